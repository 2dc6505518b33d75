namespace VibePN.Quic;

/// <summary>What is known of the packet size that a path carries (RFC 8899).</summary>
public enum PathMtuState
{
    /// <summary>Packets are as large as discovery found.</summary>
    Open,

    /// <summary>Large packets do not seem to arrive: probes decide.</summary>
    Suspect,

    /// <summary>Capped; the next size up is being tried (RFC 8899: search).</summary>
    Search,

    /// <summary>Capped; the search ended below the top and begins again later (RFC 8899: search complete, PMTU_RAISE_TIMER).</summary>
    Complete,
}
