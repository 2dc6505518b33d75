using System.Net;

namespace VibePN.Linux;

/// <summary>What the host's network shall have of us.</summary>
public sealed record HostState(IReadOnlyList<LinkState> Links)
{
    /// <summary>Nothing: undoes everything.</summary>
    public static HostState Empty { get; } = new([]);
}

/// <summary>One of our interfaces. What we gave it beyond this is removed (routes: those of our protocol number); what others gave it stays.</summary>
public sealed record LinkState(
    int Index,
    string Name,
    int Mtu,
    bool Up,
    IReadOnlyList<InterfaceAddress> Addresses,
    IReadOnlyList<RouteState> Routes);

/// <summary>An address and the length of the prefix that is on the link.</summary>
public sealed record InterfaceAddress(IPAddress Address, int PrefixLength)
{
    public override string ToString() => $"{Address}/{PrefixLength}";
}

/// <summary>A route to a prefix by the interface.</summary>
/// <param name="Mtu">Null: that of the interface.</param>
/// <param name="Metric">Null: 0 for IPv4, 1024 for IPv6, as the kernel does.</param>
public sealed record RouteState(IPNetwork Destination, int? Mtu = null, int? Metric = null)
{
    /// <summary>In the table of our own (<see cref="HostNetwork.GuardedTable"/>), which packets of our sockets do not see, behind the host's own routes.</summary>
    public bool IsGuarded { get; init; }
}
