using VibePN.Routing;

namespace VibePN;

/// <summary>What a node remembers across restarts; immutable. The daemon keeps it under <c>state</c>.</summary>
public sealed record NodeMemory(IReadOnlyList<NodeNetworkMemory> Networks)
{
    /// <summary>Proofs of our address that peers gave us, for the first packet to them in the next life.</summary>
    public IReadOnlyList<PeerToken> Tokens { get; init; } = [];

    /// <summary>Who is believed beside the config, and who is invited.</summary>
    public Identity.TrustMemory Trust { get; init; } = Identity.TrustMemory.Empty;

    /// <summary>Who was introduced by whom, who stays out in spite of it, and who wants to be told.</summary>
    public Identity.IntroductionMemory Introductions { get; init; } = Identity.IntroductionMemory.Empty;

    public static NodeMemory Empty { get; } = new([]);
}

/// <param name="Counters">Per prefix: the candidate that the automatic address stands at (<see cref="Identity.AutoAddress"/>).</param>
public sealed record NodeNetworkMemory(string Name, IReadOnlyDictionary<Prefix, uint> Counters, IReadOnlyList<AddressOwner> Owners);

/// <param name="Token">Opaque; a secret between the two, since it opens the peer's door during a flood.</param>
public sealed record PeerToken(PeerId Peer, ReadOnlyMemory<byte> Token);
