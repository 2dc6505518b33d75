namespace VibePN.Linux;

/// <summary>
/// Builds ICMP errors about a packet of the host, to be written back to its TUN. No answer (0 bytes) goes to ICMP errors, to fragments
/// other than the first, to multicast, broadcast or from an unspecified source (RFC 1122 §3.2.2, RFC 4443 §2.4).
/// </summary>
public static class IcmpError
{
    /// <summary>A buffer of this size takes every answer.</summary>
    public const int MaxBytes = 1280;

    /// <summary>IPv4 "fragmentation needed" (RFC 1191), IPv6 "packet too big" (RFC 4443 §3.2).</summary>
    /// <param name="source">The address that answers, 4 or 16 bytes, of the same family as the packet.</param>
    /// <returns>The length of the packet in <paramref name="buffer"/>; 0: no answer is due.</returns>
    public static int PacketTooBig(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> source, int mtu, Span<byte> buffer) => throw new NotImplementedException();

    /// <summary>"Destination unreachable" with a reason.</summary>
    public static int Unreachable(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> source, IcmpUnreachable reason, Span<byte> buffer) => throw new NotImplementedException();
}
