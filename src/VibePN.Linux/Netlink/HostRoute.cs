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

/// <summary>What the kernel does with a packet of a program on this host (<c>ip route get</c>).</summary>
/// <param name="Gateway">Null: the destination is on the link.</param>
/// <param name="Source">What it takes where the program has not bound an address.</param>
/// <param name="Prefix">Of the route that it chose; null: the kernel does not say (before Linux 5.3).</param>
/// <param name="Table">Of that route.</param>
/// <param name="IsLocal">The destination is this host.</param>
public sealed record HostPath(int InterfaceIndex, IPAddress? Gateway, IPAddress? Source, IPNetwork? Prefix, uint Table, int? Mtu, bool IsLocal);
