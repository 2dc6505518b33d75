namespace VibePN.Quic;

/// <summary>
/// The id that goes into ngtcp2 with a datagram and comes back when that is acknowledged or lost: it holds what must be known then, so
/// that no table of datagrams in flight is needed.
/// </summary>
internal readonly record struct DatagramId
{
    /// <summary>The times that come back are early by less than this.</summary>
    public const ulong TimeUnitNanos = 1 << TimeUnitBits;

    // From the top: 16 bits of size, 28 of time, 20 of sequence.
    private const int TimeUnitBits = 12;
    public const int SequenceBits = 20;
    private const ulong TimeMask = (1 << 28) - 1;
    private const uint SequenceMask = (1 << SequenceBits) - 1;

    public DatagramId(ulong value)
    {
        Value = value;
    }

    /// <param name="packetBytes">The QUIC packet as far as it is filled with this datagram: at most 65,535.</param>
    /// <param name="sequence">Any counter; its low 20 bits come back.</param>
    public DatagramId(int packetBytes, ulong sentNanos, uint sequence)
        : this(((ulong)(ushort)packetBytes << 48) | (((sentNanos >> TimeUnitBits) & TimeMask) << SequenceBits) | (sequence & SequenceMask))
    {
    }

    public ulong Value { get; }

    public int PacketBytes => (int)(Value >> 48);

    public uint Sequence => (uint)Value & SequenceMask;

    /// <summary>When it was sent, rounded down to <see cref="TimeUnitNanos"/>; right for 18 minutes.</summary>
    public ulong SentNanos(ulong nowNanos)
    {
        var now = nowNanos >> TimeUnitBits;
        var age = (now - (Value >> SequenceBits)) & TimeMask;
        return age > now ? 0 : (now - age) << TimeUnitBits;
    }
}
