using System.Buffers.Binary;
using VibePN.Linux;

namespace VibePN.Peers;

/// <summary>
/// The sequence number of a packet that is to be put in order (docs/protocol.md, Order): in which of the connection's lanes it travels, and
/// its place there. 4 bytes in network order: 10 bits of lane, 22 of number.
/// </summary>
/// <param name="Lane">Below <see cref="Lanes"/>; a flow has one, which it may share.</param>
/// <param name="Number">22 bits, wraps.</param>
internal readonly record struct RepairSequence(int Lane, uint Number)
{
    public const int Lanes = 1 << (32 - NumberBits);

    /// <summary>On the wire.</summary>
    public const int Bytes = 4;

    public const uint NumberMask = (1 << NumberBits) - 1;

    /// <summary>After this a packet is of no use to its flow any more.</summary>
    public const ulong MaxWaitNanos = 500_000_000;

    private const int NumberBits = 22;
    private const ulong MinWaitNanos = 10_000_000;
    private const int TcpMinBytes = 20;
    private const int DataOffset = 12;
    private const int FlagsOffset = 13;

    /// <summary>FIN, SYN, RST: they take a place in the order although they carry nothing.</summary>
    private const byte Ordering = 0x07;

    /// <param name="source">At least <see cref="Bytes"/>.</param>
    public static RepairSequence Read(ReadOnlySpan<byte> source)
    {
        var value = BinaryPrimitives.ReadUInt32BigEndian(source);
        return new RepairSequence((int)(value >> NumberBits), value & NumberMask);
    }

    public void Write(Span<byte> destination) =>
        BinaryPrimitives.WriteUInt32BigEndian(destination, ((uint)Lane << NumberBits) | (Number & NumberMask));

    /// <summary>How far <paramref name="number"/> is ahead of <paramref name="other"/>; below 0: behind.</summary>
    public static int Distance(uint number, uint other) => (int)((number - other) << (32 - NumberBits)) >> (32 - NumberBits);

    /// <summary>
    /// Whether a frame is worth repairing: TCP, whole, and not a mere acknowledgement, which the next one replaces (to hold it back would
    /// slow down the other direction).
    /// </summary>
    /// <param name="frame">What <paramref name="ip"/> was parsed from.</param>
    public static bool IsOrdered(in IpHeader ip, ReadOnlySpan<byte> frame)
    {
        var tcp = ip.PayloadOffset;
        return ip.Protocol == IpProtocol.Tcp && !ip.IsFragment && frame.Length - tcp >= TcpMinBytes
            && (frame.Length - tcp > (frame[tcp + DataOffset] >> 4) * 4 || (frame[tcp + FlagsOffset] & Ordering) != 0);
    }

    /// <summary>
    /// How long a receiver waits for what is missing: three times sent again, each found lost after 9/8 of a round trip (RFC 9002 §6.1.2).
    /// </summary>
    public static ulong WaitNanos(ulong rttNanos) => Math.Min((rttNanos * 7 / 2) + MinWaitNanos, MaxWaitNanos);
}
