namespace VibePN.Linux;

/// <summary>Where TCP and UDP keep their checksums, and when one may be left partial.</summary>
internal static class TransportChecksum
{
    public const int TcpOffset = 16;
    public const int UdpOffset = 6;
    public const int TcpMinBytes = 20;
    public const int UdpBytes = 8;

    /// <summary>The checksum's offset in the transport header; -1 for anything but TCP and UDP.</summary>
    public static int OffsetOf(byte protocol) => protocol switch
    {
        IpProtocol.Tcp => TcpOffset,
        IpProtocol.Udp => UdpOffset,
        _ => -1,
    };

    /// <summary>
    /// Whether a tunnel carries the packet with a partial checksum: whole TCP or UDP without IPv6 extension headers. (A routing header
    /// would change the pseudo-header; others are rare enough to be computed.)
    /// </summary>
    public static bool MayBePartial(in IpHeader ip, int packetBytes)
    {
        if (ip.IsFragment || (ip.Version == 6 && ip.HasOptions))
        {
            return false;
        }

        var transportBytes = packetBytes - ip.PayloadOffset;
        return ip.Protocol switch
        {
            IpProtocol.Tcp => transportBytes >= TcpMinBytes,
            IpProtocol.Udp => transportBytes >= UdpBytes,
            _ => false,
        };
    }
}
