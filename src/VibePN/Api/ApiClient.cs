using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace VibePN.Api;

/// <summary>Asks the daemon over its Unix socket: HTTP/1.1 and JSON under <c>/v1/</c>.</summary>
public sealed class ApiClient : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly string _socket;
    private readonly HttpClient _http;

    public ApiClient(string socketPath)
    {
        _socket = socketPath;
        SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, cancel) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancel).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
            UseProxy = false,
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://vibepn/v1/"), Timeout = Timeout };
    }

    /// <exception cref="ApiException"/>
    public Task<StatusDto> GetStatusAsync(CancellationToken cancel) => SendAsync(HttpMethod.Get, "status", ApiJson.Default.StatusDto, cancel);

    /// <exception cref="ApiException"/>
    public Task<PeersDto> GetPeersAsync(CancellationToken cancel) => SendAsync(HttpMethod.Get, "peers", ApiJson.Default.PeersDto, cancel);

    /// <exception cref="ApiException"/>
    public Task<PeerHistoryDto> GetPeerAsync(string name, CancellationToken cancel) =>
        SendAsync(HttpMethod.Get, "peers/" + Uri.EscapeDataString(name), ApiJson.Default.PeerHistoryDto, cancel);

    /// <exception cref="ApiException"/>
    public Task<RoutesDto> GetRoutesAsync(CancellationToken cancel) => SendAsync(HttpMethod.Get, "routes", ApiJson.Default.RoutesDto, cancel);

    /// <summary>All peers are told, and the daemon ends.</summary>
    /// <exception cref="ApiException"/>
    public Task<GoodbyeDto> GoodbyeAsync(CancellationToken cancel) => SendAsync(HttpMethod.Post, "goodbye", ApiJson.Default.GoodbyeDto, cancel);

    /// <summary>Takes the config file into use, or tells what that would do.</summary>
    /// <exception cref="ApiException"/>
    public Task<ReloadDto> ReloadAsync(ReloadRequestDto request, CancellationToken cancel) =>
        SendAsync(HttpMethod.Post, "reload", ApiJson.Default.ReloadDto, cancel, JsonContent.Create(request, ApiJson.Default.ReloadRequestDto));

    /// <summary>The config in force stays.</summary>
    /// <exception cref="ApiException"/>
    public Task<ConfirmDto> ConfirmAsync(CancellationToken cancel) => SendAsync(HttpMethod.Post, "confirm", ApiJson.Default.ConfirmDto, cancel);

    public void Dispose() => _http.Dispose();

    private async Task<T> SendAsync<T>(HttpMethod method, string path, JsonTypeInfo<T> type, CancellationToken cancel, HttpContent? content = null)
    {
        try
        {
            using HttpRequestMessage request = new(method, path) { Content = content };
            using HttpResponseMessage response = await _http.SendAsync(request, cancel).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                ErrorDto? error = await response.Content.ReadFromJsonAsync(ApiJson.Default.ErrorDto, cancel).ConfigureAwait(false);
                throw new ApiException(error?.Error ?? $"the daemon answered {(int)response.StatusCode}");
            }

            return await response.Content.ReadFromJsonAsync(type, cancel).ConfigureAwait(false)
                ?? throw new ApiException("the daemon answered nothing");
        }
        catch (HttpRequestException failure)
        {
            throw new ApiException(Advice(failure), failure) { IsNobodyThere = IsNobody((failure.InnerException as SocketException)?.SocketErrorCode) };
        }
        catch (TaskCanceledException failure) when (!cancel.IsCancellationRequested)
        {
            throw new ApiException($"the daemon at {_socket} did not answer within {Timeout.TotalSeconds} s", failure);
        }
        catch (Exception failure) when (failure is JsonException or IOException)
        {
            throw new ApiException($"the answer at {_socket} makes no sense; is that a VibePN daemon of this version? ({failure.Message})", failure);
        }
    }

    private string Advice(HttpRequestException failure) => (failure.InnerException as SocketException)?.SocketErrorCode switch
    {
        SocketError.AccessDenied =>
            $"no permission to use {_socket}; run as root, or join the group vibepn (usermod -aG vibepn USER) and log in again",
        { } code when IsNobody(code) =>
            $"the daemon is not running ({_socket} has nobody behind it); start it with 'systemctl start vibepn' or 'vibepn daemon', or name its socket with --socket",
        _ => $"the daemon at {_socket} cannot be reached: {(failure.InnerException ?? failure).Message}",
    };

    /// <summary>ENOENT has no code of its own.</summary>
    private static bool IsNobody(SocketError? code) => code is SocketError.ConnectionRefused or SocketError.AddressNotAvailable or SocketError.SocketError;
}
