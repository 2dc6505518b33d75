namespace VibePN.Quic;

public sealed class QuicEndpoint : IDisposable
{
    public QuicEndpoint(QuicEndpointOptions options, QuicHandler handler)
    {
        throw new NotImplementedException();
    }

    public QuicConnection Connect(in QuicPath path, IReadOnlyList<string> alpn, Instant now, object? tag = null, QuicCredentials? credentials = null) => throw new NotImplementedException();

    public void Receive(in QuicPath path, byte ecn, ReadOnlySpan<byte> datagram, Instant now) => throw new NotImplementedException();

    public int TakeStateless(Span<byte> packet, out QuicPath path) => throw new NotImplementedException();

    public QuicConnection? TakeDirty() => throw new NotImplementedException();

    public ulong NextDeadline { get; } = ulong.MaxValue;

    public void HandleDeadlines(Instant now) => throw new NotImplementedException();

    public int ConnectionCount => Connections.Count;

    public IReadOnlyCollection<QuicConnection> Connections { get; } = [];

    public QuicEndpointStats Stats { get; }

    public void Dispose() => throw new NotImplementedException();
}
