namespace VibePN.Doctor.Firewall;

/// <summary>A kind of packets, for which a firewall's answer is sought. What is null is unknown: rules that ask for it match some of them.</summary>
internal sealed record FirewallPacket
{
    public const string New = "new";
    public const string Established = "established";
    public const string Udp = "udp";

    /// <summary>An echo request.</summary>
    public const string Ping = "icmp";

    /// <summary>Of the netfilter hooks on its way, in their order: prerouting, input; output, postrouting; and so on.</summary>
    public required IReadOnlyList<string> Hooks { get; init; }

    public bool IsV6 { get; init; }

    /// <summary><see cref="Udp"/> or <see cref="Ping"/>; null: any.</summary>
    public string? Protocol { get; init; }

    public int? SourcePort { get; init; }

    public int? DestinationPort { get; init; }

    /// <summary>Null at the output hook: there is none.</summary>
    public string? InInterface { get; init; }

    /// <summary>Null at the input hook: there is none.</summary>
    public string? OutInterface { get; init; }

    /// <summary><see cref="New"/> or <see cref="Established"/>, as connection tracking has it.</summary>
    public string State { get; init; } = New;
}
