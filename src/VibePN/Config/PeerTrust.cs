namespace VibePN.Config;

/// <summary>Where it comes from that a peer is believed.</summary>
public enum PeerTrust
{
    /// <summary>A fingerprint in the config file.</summary>
    Config,

    /// <summary>It came with an invite of this node.</summary>
    Invite,

    /// <summary>It answered when an entry without a fingerprint was dialed for the first time (<see cref="TrustMode.FirstUse"/>).</summary>
    FirstUse,

    /// <summary>A peer whose entry says <see cref="PeerConfig.Introduces"/> vouches for it.</summary>
    Introduction,
}
