using VibePN.Control;

namespace VibePN.Peers;

/// <summary>What was said of introductions on one connection (docs/protocol.md, Introductions).</summary>
internal sealed class IntroductionState
{
    /// <summary>The networks for which we have asked the peer to introduce others to us; null: we have not, or do not any more.</summary>
    public IReadOnlyList<string>? AskedFor { get; set; }

    /// <summary>The peer has asked us.</summary>
    public bool PeerAsks { get; set; }

    /// <summary>Its latest word on that, while it waits to be heard; null: it has been.</summary>
    public bool? PeerSays { get; set; }

    /// <summary>When its next word is heard.</summary>
    public ulong HearNanos { get; set; }

    /// <summary>Whatever it was told before, it is to be looked through whole what it should know.</summary>
    public bool IsStale { get; set; }

    /// <summary>Whom the peer was told of, as it was told; null: nothing yet.</summary>
    public Dictionary<PeerId, MemberOffer>? Told { get; set; }

    /// <summary>The peer was told that these are all.</summary>
    public bool IsComplete { get; set; }

    /// <summary>Of whom the peer has told us, as far as we took its word.</summary>
    public HashSet<PeerId> Said { get; } = [];
}
