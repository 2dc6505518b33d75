using System.Net;

namespace VibePN.Config;

/// <summary>One <c>[networks.NAME]</c> table.</summary>
public sealed record NetworkConfig
{
    public required string Name { get; init; }

    /// <summary>The key <c>prefix</c> first, then <c>prefixes</c>; at least one, no two overlap, in this network or another.</summary>
    public required IReadOnlyList<IPNetwork> Prefixes { get; init; }

    /// <summary>The own address in each of <see cref="Prefixes"/>, at the same index; null: automatic.</summary>
    public required IReadOnlyList<IPAddress?> Addresses { get; init; }

    /// <summary>False: joins, announces nothing, is reached only over what it dials.</summary>
    public bool Export { get; init; }

    /// <summary>Announced beside the own addresses.</summary>
    public IReadOnlyList<IPNetwork> Routes { get; init; } = [];

    /// <summary>Announced with <see cref="Routes"/>: of several nodes that announce the same the smallest is used.</summary>
    public uint Metric { get; init; }

    /// <summary>False: no route of a peer beyond host addresses is used.</summary>
    public bool AcceptRoutes { get; init; } = true;

    /// <summary>Bytes, at least 1280; null: the largest that any peer carries.</summary>
    public int? Mtu { get; init; }

    /// <summary>The link's name, at most 15 bytes.</summary>
    public required string Interface { get; init; }
}
