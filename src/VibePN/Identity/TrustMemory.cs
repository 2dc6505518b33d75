namespace VibePN.Identity;

/// <summary>Whom a node believes beside its config, and whom it has invited; immutable.</summary>
/// <param name="Version">Grows with every change in one life of the process.</param>
public sealed record TrustMemory(IReadOnlyList<IssuedInvite> Invites, IReadOnlyList<RememberedPeer> Peers, long Version = 0)
{
    /// <summary>Successions that peers have shown.</summary>
    public IReadOnlyList<Lineage> Lineages { get; init; } = [];

    public static TrustMemory Empty { get; } = new([], []);
}
