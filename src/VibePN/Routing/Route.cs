namespace VibePN.Routing;

/// <summary>Where a route comes from.</summary>
public enum RouteSource
{
    /// <summary>An own address of the peer, from its network list.</summary>
    Address,

    /// <summary>A prefix the peer announced.</summary>
    Announced,

    /// <summary>What is nobody else's of a network's prefix: the peer's protocol announces prefixes whole (vibepn/0.1).</summary>
    Rest,
}

/// <summary>Whether a route carries packets, and if not, why.</summary>
public enum RouteVerdict
{
    Used,

    /// <summary>Another peer's route to the same prefix is better or was there first (own addresses).</summary>
    OtherPeerIsBetter,

    /// <summary>The address belongs to another live peer.</summary>
    AddressInUse,

    /// <summary>The address belongs to another peer, which was here within the last 30 days.</summary>
    AddressRemembered,

    /// <summary>Another peer's entry lists the address, be that one here or not.</summary>
    AddressReserved,

    /// <summary>It is one of our own addresses.</summary>
    OwnAddress,

    /// <summary>The network's first or last address.</summary>
    ReservedAddress,

    /// <summary>Outside the network's prefixes, or shorter than a host route, and the peer's entry does not allow it.</summary>
    NotAllowed,

    /// <summary>The peer's entry lists its addresses, and this is not among them.</summary>
    NotInEntry,

    /// <summary>The peer has its share of addresses in this network already.</summary>
    TooManyAddresses,

    /// <summary>The network does not accept routes beyond its prefix.</summary>
    RoutesNotAccepted,

    /// <summary>The host reaches it without us: it is on a link of the host, in another network, or the host has a route of its own to it.</summary>
    LocalPrefix,
}

/// <summary>One peer's claim to a prefix in one network, with the judgement on it.</summary>
/// <param name="Metric">Smaller is better.</param>
public sealed record Route(Prefix Prefix, PeerId Peer, RouteSource Source, uint Metric, RouteVerdict Verdict)
{
    /// <summary>Refused to a peer whose connection has ended since: kept in sight only.</summary>
    public bool IsFormer { get; init; }

    public bool IsUsed => Verdict == RouteVerdict.Used;

    /// <summary>Good, but another peer's is used at present.</summary>
    public bool IsStandBy => Verdict == RouteVerdict.OtherPeerIsBetter;

    /// <summary>Among those of other peers to the same prefix.</summary>
    internal RouteStanding Standing { get; init; }

    /// <summary>What of the host or of other routes it meets, for people, or null.</summary>
    public string? Conflict { get; init; }

    /// <summary>The verdict in the words of people.</summary>
    public string Why => Verdict switch
    {
        RouteVerdict.Used when Source == RouteSource.Address => "an address of the peer",
        RouteVerdict.Used when Source == RouteSource.Rest => "what no other peer has of the prefix: it announces the prefix whole (vibepn/0.1)",
        RouteVerdict.Used => "its entry allows it (allow_routes)" + StandingText(", ") + (Conflict is null ? "" : "; " + Conflict),
        RouteVerdict.OtherPeerIsBetter => "stand-by" + StandingText(": "),
        RouteVerdict.LocalPrefix => Conflict ?? "the host reaches it without us",
        RouteVerdict.AddressInUse => "address in use by another peer",
        RouteVerdict.AddressRemembered => "address kept for another peer, which had it within the last 30 days",
        RouteVerdict.AddressReserved => "address reserved for another peer, whose entry lists it",
        RouteVerdict.OwnAddress => "it is an address of this node",
        RouteVerdict.ReservedAddress => "the network's first and last address belong to nobody",
        RouteVerdict.NotAllowed => "not allowed: its entry has no allow_routes for it",
        RouteVerdict.NotInEntry => "its entry lists other addresses",
        RouteVerdict.TooManyAddresses => "it has its share of addresses in this network",
        RouteVerdict.RoutesNotAccepted => "the network has accept_routes = false",
        _ => Verdict.ToString(),
    };

    private string StandingText(string before) => Standing switch
    {
        RouteStanding.LowerMetric => before + "smallest metric",
        RouteStanding.LowerRtt => before + "lowest round-trip time",
        RouteStanding.Kept => before + "kept: no other peer is better by enough for long enough",
        RouteStanding.OthersUnusable => before + "the other peers do not answer",
        RouteStanding.NoneUsable => before + "it does not answer, but no other does",
        RouteStanding.HigherMetric => before + "another peer has a smaller metric",
        RouteStanding.NotFaster => before + "not faster than the peer in use by 20 % and 5 ms",
        RouteStanding.FasterRecently => before + "faster than the peer in use, but for less than 10 s",
        RouteStanding.BackRecently => before + "smaller metric, but back for less than 5 s",
        RouteStanding.Unusable => before + "it does not answer at present",
        _ => "",
    };
}
