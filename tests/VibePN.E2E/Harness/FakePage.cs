using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using VibePN.Metrics;

namespace VibePN.E2E.Harness;

/// <summary>The page, and events of a node that does not exist, on a test's host; four events a second.</summary>
internal sealed class FakePage : IDisposable
{
    private readonly Socket _listener;
    private readonly Func<int, NodeSample> _sample;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    /// <param name="sample">By the number of the event, from 0.</param>
    public FakePage(TestHost host, int port, Func<int, NodeSample> sample)
    {
        _sample = sample;
        _listener = host.TcpSocket(AddressFamily.InterNetwork);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _accepting.GetAwaiter().GetResult();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> all = [];
        try
        {
            while (true)
            {
                all.Add(ServeAsync(await _listener.AcceptAsync(_end.Token)));
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }

        await Task.WhenAll(all);
    }

    private async Task ServeAsync(Socket socket)
    {
        using NetworkStream stream = new(socket, ownsSocket: true);
        try
        {
            using StreamReader reader = new(stream, Encoding.ASCII, leaveOpen: true);
            string request = await reader.ReadLineAsync(_end.Token) ?? "";
            while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 })
            {
            }

            if (request.StartsWith("GET / ", StringComparison.Ordinal))
            {
                byte[] page = PageFile.ReadPacked();
                await SendAsync(stream, string.Create(CultureInfo.InvariantCulture, $"200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nContent-Length: {page.Length}\r\nContent-Security-Policy: {PageFile.ReadPolicy()}"));
                await stream.WriteAsync(page, _end.Token);
                return;
            }

            await SendAsync(stream, "200 OK\r\nContent-Type: text/event-stream");
            await stream.WriteAsync(PageEvents.Routes(_sample(0)), _end.Token);
            for (int i = 0; ; i++)
            {
                await stream.WriteAsync(PageEvents.Node(_sample(i), DateTimeOffset.UtcNow), _end.Token);
                await Task.Delay(TimeSpan.FromMilliseconds(250), _end.Token);
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
        }
    }

    private async Task SendAsync(NetworkStream stream, string head) =>
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n"), _end.Token);
}
