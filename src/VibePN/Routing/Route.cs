namespace VibePN.Routing;

/// <summary>Where a route comes from.</summary>
public enum RouteSource
{
    /// <summary>An own address of the peer, from its network list.</summary>
    Address,

    /// <summary>A prefix the peer announced.</summary>
    Announced,
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
}

/// <summary>One peer's claim to a prefix in one network, with the judgement on it.</summary>
/// <param name="Metric">Smaller is better.</param>
public sealed record Route(Prefix Prefix, PeerId Peer, RouteSource Source, uint Metric, RouteVerdict Verdict)
{
    public bool IsUsed => Verdict == RouteVerdict.Used;
}
