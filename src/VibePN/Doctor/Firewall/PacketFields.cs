namespace VibePN.Doctor.Firewall;

/// <summary>What the packets of a kind have in the fields that rules ask for.</summary>
internal static class PacketFields
{
    /// <summary>udp, icmp, ipv6-icmp; a packet of any protocol has an unknown one.</summary>
    public static FirewallValue Protocol(FirewallPacket packet) => packet.Protocol switch
    {
        null => FirewallValue.Unknown,
        FirewallPacket.Ping => FirewallValue.Of(packet.IsV6 ? "ipv6-icmp" : "icmp"),
        var other => FirewallValue.Of(other),
    };

    /// <summary>Rules may give it by its number.</summary>
    public static string ProtocolName(string text) => text switch
    {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" or "icmpv6" => "ipv6-icmp",
        _ => text,
    };

    /// <param name="packet">Of that kind.</param>
    /// <param name="protocol">The header; th: that of any protocol that has ports.</param>
    /// <param name="isSource">Source or destination.</param>
    public static FirewallValue Port(FirewallPacket packet, string protocol, bool isSource) =>
        packet.Protocol is null ? FirewallValue.Unknown
        : packet.Protocol == FirewallPacket.Udp && protocol is "udp" or "th" ? FirewallValue.Of((long?)(isSource ? packet.SourcePort : packet.DestinationPort))
        : FirewallValue.Absent;

    public static FirewallValue IcmpType(FirewallPacket packet, bool isV6) =>
        packet.Protocol is null ? FirewallValue.Unknown
        : packet.Protocol == FirewallPacket.Ping && packet.IsV6 == isV6 ? FirewallValue.Of("echo-request")
        : FirewallValue.Absent;

    public static Certainty Not(Certainty certainty) => (Certainty)(2 - (int)certainty);

    /// <summary>All of them match.</summary>
    public static Certainty All(List<Func<FirewallPacket, Certainty>> matches, FirewallPacket packet)
    {
        Certainty all = Certainty.Yes;
        foreach (Func<FirewallPacket, Certainty> match in matches)
        {
            Certainty one = match(packet);
            all = one < all ? one : all;
        }

        return all;
    }
}
