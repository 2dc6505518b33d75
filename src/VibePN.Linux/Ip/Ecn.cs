using System.Runtime.InteropServices;

namespace VibePN.Linux;

/// <summary>
/// Explicit congestion notification in a packet's IP header (RFC 3168). The tunnel never copies it between the inner and the outer
/// header (RFC 9484: QUIC's congestion control is on): the outer field is QUIC's own; the inner one is changed only by the queue in
/// front of the congestion window, which marks instead of dropping, and passes through the far end as it is.
/// </summary>
public static class Ecn
{
    /// <summary>The transport does not understand marks.</summary>
    public const byte NotCapable = 0;

    /// <summary>ECT(1).</summary>
    public const byte Capable1 = 1;

    /// <summary>ECT(0).</summary>
    public const byte Capable0 = 2;

    /// <summary>CE: congestion experienced.</summary>
    public const byte Congestion = 3;

    private const int V4MinBytes = 20;
    private const int V6MinBytes = 40;
    private const int V4ChecksumOffset = 10;

    /// <summary>The field's two bits; <see cref="NotCapable"/> for what is no IP packet.</summary>
    public static byte Of(ReadOnlySpan<byte> packet) => Version(packet) switch
    {
        4 => (byte)(packet[1] & 3),
        6 => (byte)((packet[1] >> 4) & 3),
        _ => NotCapable,
    };

    /// <summary>
    /// Marks a packet of a transport that understands it; IPv4's header checksum follows (RFC 1624, equation 3). Of a super-packet every
    /// segment is marked, since each is sent with a copy of the header.
    /// </summary>
    /// <returns>False, and the packet is unchanged: not ECN-capable, it must be dropped instead. True also for one marked before.</returns>
    public static bool TryMark(Span<byte> packet)
    {
        var before = Of(packet);
        if (before == NotCapable)
        {
            return false;
        }

        if (packet[0] >> 4 == 6)
        {
            packet[1] |= Congestion << 4;
            return true;
        }

        var oldWord = MemoryMarshal.Read<ushort>(packet);
        packet[1] |= Congestion;
        Checksum.Update(packet[V4ChecksumOffset..], oldWord, MemoryMarshal.Read<ushort>(packet));
        return true;
    }

    private static int Version(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < V4MinBytes)
        {
            return 0;
        }

        var version = packet[0] >> 4;
        return version == 6 && packet.Length < V6MinBytes ? 0 : version;
    }
}
