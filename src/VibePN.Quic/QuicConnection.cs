namespace VibePN.Quic;

public sealed class QuicConnection
{
    public object? Tag { get; set; }

    public bool IsDialer { get; }

    public string? Alpn { get; }

    public bool IsHandshakeCompleted { get; }

    public bool IsHandshakeConfirmed { get; }

    public bool IsClosed { get; }

    public QuicPath Path { get; }

    public int MaxDatagramBytes { get; }

    public int MaxPacketBytes { get; }

    public ulong Deadline { get; }

    public QuicStats GetStats() => throw new NotImplementedException();

    public DatagramWrite WriteDatagram(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, Span<byte> packet, bool more, out QuicPacket written, Instant now) => throw new NotImplementedException();

    public QuicPacket FinishPacket(Span<byte> packet, Instant now) => throw new NotImplementedException();

    public QuicPacket WritePending(Span<byte> packet, Instant now) => throw new NotImplementedException();

    public void EndBurst(Instant now) => throw new NotImplementedException();

    public void HandleDeadline(Instant now) => throw new NotImplementedException();

    public long OpenStream() => throw new NotImplementedException();

    public bool TryWriteStream(long streamId, ReadOnlySpan<byte> data, bool fin) => throw new NotImplementedException();

    public int GetStreamPendingBytes(long streamId) => throw new NotImplementedException();

    public void Close(ulong applicationErrorCode, string reason) => throw new NotImplementedException();

    public void SetTransmitCap(int maxUdpPayloadBytes) => throw new NotImplementedException();
}
