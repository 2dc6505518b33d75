using System.Net;

namespace VibePN.Config;

/// <summary>One <c>[[peers]]</c> entry.</summary>
public sealed record PeerConfig
{
    public required string Name { get; init; }

    /// <summary>Where to dial it; null: it dials us.</summary>
    public HostPort? Address { get; init; }

    /// <summary>Further ones, at most seven; only beside <see cref="Address"/>.</summary>
    public IReadOnlyList<HostPort> MoreAddresses { get; init; } = [];

    /// <summary>All of them, <see cref="Address"/> first.</summary>
    public IEnumerable<HostPort> DialAddresses => Address is { } first ? [first, .. MoreAddresses] : [];

    /// <summary>The pin; null: see <see cref="TrustMode"/>.</summary>
    public PeerId? Fingerprint { get; init; }

    /// <summary>Names of <see cref="NodeConfig.Networks"/>: those it is told about and may send into.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    /// <summary>It may vouch for other members of those networks.</summary>
    public bool Introduces { get; init; }

    /// <summary>With <see cref="PeerTrust.Introduction"/>: names of the entries that vouch for it.</summary>
    public IReadOnlyList<string> IntroducedBy { get; init; } = [];

    /// <summary>Where the pin comes from; in a file's config always <see cref="PeerTrust.Config"/>.</summary>
    public PeerTrust Trust { get; init; }

    /// <summary>What it may announce beyond its own addresses in the network.</summary>
    public IReadOnlyList<IPNetwork> AllowRoutes { get; init; } = [];

    /// <summary>The only addresses it may have inside the networks' prefixes; empty: first come.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];
}
