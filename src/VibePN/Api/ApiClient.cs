using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace VibePN.Api;

/// <summary>Asks the daemon over its Unix socket: HTTP and JSON under <c>/v1/</c>.</summary>
public sealed class ApiClient(string socketPath)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly UnixDomainSocketEndPoint _socket = new(socketPath);

    /// <exception cref="ApiException"/>
    public Task<StatusDto> GetStatusAsync(CancellationToken cancel) => SendAsync("GET", "status", ApiJson.Default.StatusDto, cancel);

    /// <exception cref="ApiException"/>
    public Task<PeersDto> GetPeersAsync(CancellationToken cancel) => SendAsync("GET", "peers", ApiJson.Default.PeersDto, cancel);

    /// <exception cref="ApiException"/>
    public Task<PeerHistoryDto> GetPeerAsync(string name, CancellationToken cancel) =>
        SendAsync("GET", "peers/" + Uri.EscapeDataString(name), ApiJson.Default.PeerHistoryDto, cancel);

    /// <exception cref="ApiException"/>
    public Task<RoutesDto> GetRoutesAsync(CancellationToken cancel) => SendAsync("GET", "routes", ApiJson.Default.RoutesDto, cancel);

    /// <summary>All peers are told, and the daemon ends.</summary>
    /// <exception cref="ApiException"/>
    public Task<GoodbyeDto> GoodbyeAsync(CancellationToken cancel) => SendAsync("POST", "goodbye", ApiJson.Default.GoodbyeDto, cancel);

    /// <summary>Takes the config file into use, or tells what that would do.</summary>
    /// <exception cref="ApiException"/>
    public Task<ReloadDto> ReloadAsync(ReloadRequestDto request, CancellationToken cancel) =>
        SendAsync("POST", "reload", ApiJson.Default.ReloadDto, cancel, JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Default.ReloadRequestDto));

    /// <summary>The config in force stays.</summary>
    /// <exception cref="ApiException"/>
    public Task<ConfirmDto> ConfirmAsync(CancellationToken cancel) => SendAsync("POST", "confirm", ApiJson.Default.ConfirmDto, cancel);

    /// <summary>A new invite. The answer has the only copy of its secret.</summary>
    /// <exception cref="ApiException"/>
    public Task<NewInviteDto> InviteAsync(InviteRequestDto request, CancellationToken cancel) =>
        SendAsync("POST", "invites", ApiJson.Default.NewInviteDto, cancel, JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Default.InviteRequestDto));

    /// <exception cref="ApiException"/>
    public Task<InvitesDto> GetInvitesAsync(CancellationToken cancel) => SendAsync("GET", "invites", ApiJson.Default.InvitesDto, cancel);

    /// <summary>Nobody gets in by it any more.</summary>
    /// <exception cref="ApiException"/>
    public Task<InviteDto> RevokeInviteAsync(RevokeInviteRequestDto request, CancellationToken cancel) =>
        SendAsync("POST", "invites/revoke", ApiJson.Default.InviteDto, cancel, JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Default.RevokeInviteRequestDto));

    /// <summary>Lets introductions count again for a peer that was removed.</summary>
    /// <exception cref="ApiException"/>
    public Task<LetInDto> LetPeerInAsync(string name, CancellationToken cancel) =>
        SendAsync("POST", "peers/" + Uri.EscapeDataString(name), ApiJson.Default.LetInDto, cancel);

    /// <summary>Cuts off a peer that came by invite or by introduction.</summary>
    /// <exception cref="ApiException"/>
    public Task<RemovePeerDto> RemovePeerAsync(string name, CancellationToken cancel) =>
        SendAsync("DELETE", "peers/" + Uri.EscapeDataString(name), ApiJson.Default.RemovePeerDto, cancel);

    /// <exception cref="ApiException"/>
    public Task<LogLevelDto> GetLogLevelAsync(CancellationToken cancel) => SendAsync("GET", "log-level", ApiJson.Default.LogLevelDto, cancel);

    /// <exception cref="ApiException"/>
    public Task<LogLevelDto> SetLogLevelAsync(LogLevelRequestDto request, CancellationToken cancel) =>
        SendAsync("POST", "log-level", ApiJson.Default.LogLevelDto, cancel, JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Default.LogLevelRequestDto));

    /// <summary>The packets in the tunnel from now on, as a pcapng file without an end.</summary>
    /// <returns>The caller disposes it, and so ends the capture.</returns>
    /// <exception cref="ApiException"/>
    public async Task<Stream> CaptureAsync(string? peer, string? network, bool dropped, string? snapBytes, CancellationToken cancel)
    {
        List<string> query = [];
        void Add(string key, string? value)
        {
            if (value is not null)
            {
                query.Add($"{key}={Uri.EscapeDataString(value)}");
            }
        }

        Add("peer", peer);
        Add("network", network);
        Add("dropped", dropped ? "true" : null);
        Add("snaplen", snapBytes);
        return await AdviseAsync(
            async () =>
            {
                (int status, Stream body) = await PlainHttp.OpenAsync(_socket, "vibepn", "GET", "/v1/capture?" + string.Join('&', query), default, cancel).ConfigureAwait(false);
                if (status is >= 200 and < 300)
                {
                    return body;
                }

                using (body)
                {
                    throw new ApiException(
                        (await JsonSerializer.DeserializeAsync(body, ApiJson.Default.ErrorDto, cancel).ConfigureAwait(false))?.Error ?? $"the daemon answered {status}");
                }
            },
            cancel).ConfigureAwait(false);
    }

    private async Task<T> SendAsync<T>(string method, string path, JsonTypeInfo<T> type, CancellationToken cancel, byte[]? body = null)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Timeout);
        return await AdviseAsync(
            async () =>
            {
                (int status, ReadOnlyMemory<byte> answer) = await PlainHttp.SendAsync(_socket, "vibepn", method, "/v1/" + path, body, limit.Token).ConfigureAwait(false);
                return status is >= 200 and < 300
                    ? JsonSerializer.Deserialize(answer.Span, type) ?? throw new ApiException("the daemon answered nothing")
                    : throw new ApiException(JsonSerializer.Deserialize(answer.Span, ApiJson.Default.ErrorDto)?.Error ?? $"the daemon answered {status}");
            },
            cancel).ConfigureAwait(false);
    }

    /// <summary>What went wrong on the way becomes advice.</summary>
    private async Task<T> AdviseAsync<T>(Func<Task<T>> ask, CancellationToken cancel)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (SocketException failure)
        {
            throw new ApiException(Advice(failure), failure) { IsNobodyThere = IsNobody(failure.SocketErrorCode) };
        }
        catch (OperationCanceledException failure) when (!cancel.IsCancellationRequested)
        {
            throw new ApiException($"the daemon at {socketPath} did not answer within {Timeout.TotalSeconds} s", failure);
        }
        catch (Exception failure) when (failure is JsonException or IOException)
        {
            throw new ApiException($"the answer at {socketPath} makes no sense; is that a VibePN daemon of this version? ({failure.Message})", failure);
        }
    }

    private string Advice(SocketException failure) => failure.SocketErrorCode switch
    {
        SocketError.AccessDenied =>
            $"no permission to use {socketPath}; run as root, or join the group vibepn (usermod -aG vibepn USER) and log in again",
        var code when IsNobody(code) =>
            $"the daemon is not running ({socketPath} has nobody behind it); start it with 'systemctl start vibepn' or 'vibepn daemon', or name its socket with --socket",
        _ => $"the daemon at {socketPath} cannot be reached: {failure.Message}",
    };

    /// <summary>ENOENT has no code of its own.</summary>
    private static bool IsNobody(SocketError code) => code is SocketError.ConnectionRefused or SocketError.AddressNotAvailable or SocketError.SocketError;
}
