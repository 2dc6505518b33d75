using System.Net;

namespace VibePN.Config;

/// <summary>One <c>[[peers]]</c> entry.</summary>
public sealed record PeerConfig
{
    public required string Name { get; init; }

    /// <summary>Where to dial it; null: it dials us.</summary>
    public HostPort? Address { get; init; }

    /// <summary>The pin; null: see <see cref="TrustMode"/>.</summary>
    public PeerId? Fingerprint { get; init; }

    /// <summary>Names of <see cref="NodeConfig.Networks"/>: those it is told about and may send into.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    /// <summary>What it may announce beyond its own addresses in the network.</summary>
    public IReadOnlyList<IPNetwork> AllowRoutes { get; init; } = [];

    /// <summary>The only addresses it may have inside the networks' prefixes; empty: first come.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];
}
