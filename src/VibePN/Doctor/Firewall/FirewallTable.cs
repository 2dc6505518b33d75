namespace VibePN.Doctor.Firewall;

internal enum FirewallTool
{
    Nft,
    Iptables,
}

/// <summary>Chains that jump to one another.</summary>
/// <param name="Family">ip, ip6, inet or netdev.</param>
internal sealed record FirewallTable(FirewallTool Tool, string Family, string Name)
{
    public Dictionary<string, FirewallChain> Chains { get; } = [];

    /// <summary>Connection tracking is switched off for some packets: their state is nothing to go by.</summary>
    public bool HasUntracked { get; set; }

    public bool Sees(FirewallPacket packet) => Family switch
    {
        "ip" => !packet.IsV6,
        "ip6" => packet.IsV6,
        "inet" or "netdev" => true,
        _ => false,
    };
}
