namespace VibePN.Config;

/// <summary>Who is believed without a fingerprint in the config.</summary>
public enum TrustMode
{
    /// <summary>Nobody.</summary>
    Pinned,

    /// <summary>An entry with an address and no fingerprint, when we dial it: what is seen first is pinned. Never one who dials us.</summary>
    FirstUse,
}
