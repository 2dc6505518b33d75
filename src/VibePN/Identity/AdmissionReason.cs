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

    /// <summary>It has no entry, and an invite of ours: it is pinned when it is up, unless another one takes the invite before.</summary>
    AcceptedInvite,

    /// <summary>Its invite is none of ours, or was forgotten.</summary>
    InviteUnknown,

    /// <summary>The invite is ours; its secret, or the one it was proved for, is not.</summary>
    InviteForged,

    InviteUsed,

    InviteExpired,

    InviteRevoked,

    /// <summary>This node is no longer in the invite's network.</summary>
    InviteNetworkGone,

    /// <summary>The invite is good, but the certificate has expired or is not valid yet.</summary>
    InvitedNotValid,

    /// <summary>A succession in its chain is missing, cannot be read, or is not signed by the key before.</summary>
    SuccessionForged,

    /// <summary>Its chain leads to two entries, or to two nodes: a key of one was signed for by another.</summary>
    Mixed,

    /// <summary>Its key has a successor, and the overlap is over.</summary>
    Superseded,

    /// <summary>It follows a key that has another successor already.</summary>
    Forked,

    Expired,

    NotYetValid,

    /// <summary>No certificate, or one that cannot be read.</summary>
    Malformed,
}
