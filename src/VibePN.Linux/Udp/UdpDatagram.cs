namespace VibePN.Linux;

/// <summary>One kernel message: a datagram, or a run of datagrams of <see cref="SegmentBytes"/> each (the last may be shorter).</summary>
public readonly ref struct UdpDatagram
{
    /// <summary>Borrowed from the batch, until its next receive.</summary>
    public ReadOnlySpan<byte> Bytes { get; init; }

    public SockAddr Remote { get; init; }

    /// <summary>The destination address of the datagram and the port of the socket.</summary>
    public SockAddr Local { get; init; }

    /// <summary>The two ECN bits.</summary>
    public byte Ecn { get; init; }

    /// <summary>Equal to the length of <see cref="Bytes"/> when that is one datagram; at least 1 otherwise.</summary>
    public int SegmentBytes { get; init; }
}
