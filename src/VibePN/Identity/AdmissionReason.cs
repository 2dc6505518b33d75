namespace VibePN.Identity;

/// <summary>How the decision fell. Names are metric labels and parts of log lines.</summary>
public enum AdmissionReason
{
    /// <summary>Pinned by an entry, and within its validity.</summary>
    Accepted,

    /// <summary>We dialed an entry without a pin, and the config trusts on first use: pin what was presented.</summary>
    AcceptedFirstUse,

    /// <summary>Who dialed us has no entry with this fingerprint.</summary>
    Stranger,

    /// <summary>Who answered our dial is not whom the entry pins.</summary>
    WrongPin,

    /// <summary>The entry that we dialed has no pin, and the config does not trust on first use.</summary>
    NoPin,

    /// <summary>The other end is this node.</summary>
    Itself,

    Expired,

    NotYetValid,

    /// <summary>No certificate, or one that cannot be read.</summary>
    Malformed,
}
