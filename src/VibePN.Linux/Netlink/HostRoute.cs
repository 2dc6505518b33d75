using System.Net;

namespace VibePN.Linux;

/// <summary>An address that an interface of the host has.</summary>
public sealed record HostAddress(int InterfaceIndex, InterfaceAddress Address);

/// <summary>An interface of the host, whoever made it.</summary>
public sealed record HostLink(int Index, string Name, int Mtu, bool IsUp);

/// <summary>A route of the host's main table, or of <see cref="HostNetwork.GuardedTable"/>.</summary>
/// <param name="Gateway">Null: the destination is on the link.</param>
/// <param name="Protocol"><c>rtm_protocol</c>: who made it.</param>
public sealed record HostRoute(int InterfaceIndex, IPNetwork Destination, IPAddress? Gateway, int Metric, int? Mtu, byte Protocol)
{
    /// <summary>In <see cref="HostNetwork.GuardedTable"/>.</summary>
    public bool IsGuarded { get; init; }
}
