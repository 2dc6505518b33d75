using System.Text.Json;

namespace VibePN.Doctor.Firewall;

/// <summary>The left side of a comparison of nftables.</summary>
internal sealed class NftField(JsonElement expression, FirewallTable table)
{
    private readonly (string Kind, string Protocol, string Key) _name = Name(expression);

    /// <summary>Its values are protocols, which have names and numbers.</summary>
    public bool IsProtocol => _name is ("meta", _, "l4proto") or ("payload", "ip", "protocol") or ("payload", "ip6", "nexthdr");

    public FirewallValue Of(FirewallPacket packet) => _name switch
    {
        ("meta", _, "iif" or "iifname") => FirewallValue.OfInterface(packet.InInterface),
        ("meta", _, "oif" or "oifname") => FirewallValue.OfInterface(packet.OutInterface),
        ("meta", _, "l4proto") => PacketFields.Protocol(packet),
        ("meta", _, "nfproto") => FirewallValue.Of(packet.IsV6 ? "ipv6" : "ipv4"),
        ("meta", _, "protocol") => FirewallValue.Of(packet.IsV6 ? "ip6" : "ip"),
        // Where connection tracking is switched off for some, a packet has another state than it would have.
        ("ct", _, "state") => table.HasUntracked ? FirewallValue.Unknown : FirewallValue.Of(packet.State),
        ("payload", "ip", var key) => packet.IsV6 ? FirewallValue.Absent : key == "protocol" ? PacketFields.Protocol(packet) : FirewallValue.Unknown,
        ("payload", "ip6", var key) => !packet.IsV6 ? FirewallValue.Absent : key == "nexthdr" ? PacketFields.Protocol(packet) : FirewallValue.Unknown,
        ("payload", "icmp", "type") => PacketFields.IcmpType(packet, isV6: false),
        ("payload", "icmpv6", "type") => PacketFields.IcmpType(packet, isV6: true),
        ("payload", var protocol, "dport") => PacketFields.Port(packet, protocol, isSource: false),
        ("payload", var protocol, "sport") => PacketFields.Port(packet, protocol, isSource: true),
        ("payload", "tcp" or "sctp" or "dccp" or "udplite" or "icmp" or "icmpv6" or "esp" or "ah", _) when packet.Protocol == FirewallPacket.Udp => FirewallValue.Absent,
        _ => FirewallValue.Unknown,
    };

    private static (string Kind, string Protocol, string Key) Name(JsonElement expression)
    {
        if (expression.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty kind in expression.EnumerateObject())
            {
                if (kind.Value.ValueKind == JsonValueKind.Object)
                {
                    return (kind.Name, Text(kind.Value, "protocol"), Text(kind.Value, kind.Name == "payload" ? "field" : "key"));
                }
            }
        }

        return ("", "", "");
    }

    private static string Text(JsonElement item, string key) =>
        item.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
