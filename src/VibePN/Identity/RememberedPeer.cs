using System.Net;
using VibePN.Config;

namespace VibePN.Identity;

/// <summary>A peer that is believed and whose fingerprint the config file does not have; immutable. The daemon keeps it under <c>state</c>.</summary>
/// <param name="Name">Of the entry, with <see cref="PeerTrust.FirstUse"/>; else what it is called here.</param>
/// <param name="Trust">By invite or by first use.</param>
/// <param name="SinceUtcSeconds">When it came up for the first time.</param>
public sealed record RememberedPeer(string Name, PeerId Id, PeerTrust Trust, long SinceUtcSeconds)
{
    /// <summary>With <see cref="PeerTrust.Invite"/>, as the two below: by which one it came.</summary>
    public InviteId? Invite { get; init; }

    public IReadOnlyList<string> Networks { get; init; } = [];

    public IReadOnlyList<IPNetwork> AllowRoutes { get; init; } = [];

    /// <summary>With <see cref="PeerTrust.FirstUse"/>: where it was dialed then.</summary>
    public string? Address { get; init; }
}
