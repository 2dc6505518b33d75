namespace VibePN.Bench.Relay;

/// <summary>A datagram that has arrived at the far end of a line.</summary>
internal readonly ref struct LineDatagram
{
    /// <summary>Borrowed until the next call to the queue.</summary>
    public ReadOnlySpan<byte> Bytes { get; init; }

    /// <summary>As given at the near end.</summary>
    public int Tag { get; init; }
}
