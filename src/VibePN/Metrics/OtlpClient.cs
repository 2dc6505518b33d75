using System.Net;
using System.Net.Sockets;
using VibePN.Api;

namespace VibePN.Metrics;

/// <summary>Sends what <see cref="OtlpDocument"/> wrote to a collector: OTLP over HTTP, without TLS.</summary>
public static class OtlpClient
{
    private const string DefaultPath = "/v1/metrics";

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(5);

    /// <param name="collector"><c>http://HOST:PORT</c>, or with the path that the collector has for metrics.</param>
    /// <returns>Null: it has them; otherwise why not.</returns>
    public static async Task<string?> SendAsync(Uri collector, ReadOnlyMemory<byte> document, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(collector);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(s_timeout);
        EndPoint to = IPAddress.TryParse(collector.DnsSafeHost, out var address)
            ? new IPEndPoint(address, collector.Port)
            : new DnsEndPoint(collector.DnsSafeHost, collector.Port);
        var path = collector.PathAndQuery is "/" ? DefaultPath : collector.PathAndQuery;
        try
        {
            // What it has to say beyond the status is not read: it may be of any length.
            var (status, rest) = await PlainHttp.OpenAsync(to, collector.Authority, "POST", path, document, limit.Token).ConfigureAwait(false);
            await rest.DisposeAsync().ConfigureAwait(false);
            return status is >= 200 and < 300 ? null : $"it answers {status} to {path}";
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return $"no answer within {s_timeout.TotalSeconds} s";
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            return failure.Message;
        }
    }
}
