using VibePN.Config;
using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>The decision on a peer's certificate.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Peer">The entry whose rights the peer has; null when refused. Refusals name the entry in <paramref name="Claimed"/>.</param>
/// <param name="Claimed">The entry that the refused certificate belongs to or was dialed for, if there is one: for the log line.</param>
public readonly record struct AdmissionResult(AdmissionReason Reason, PeerConfig? Peer, PeerConfig? Claimed)
{
    /// <summary>With <see cref="AdmissionReason.WrongPin"/>: the fingerprint that was shown, unless it is another entry's.</summary>
    public PeerId? Presented { get; init; }

    /// <summary>With <see cref="AdmissionReason.AcceptedInvite"/> there is no <see cref="Peer"/> yet: it becomes one when it is up.</summary>
    public bool IsAccepted => Peer is not null || Reason == AdmissionReason.AcceptedInvite;

    /// <summary>What the other end is told; <see cref="TlsAlert.Accept"/> when accepted.</summary>
    public TlsAlert Alert => Reason switch
    {
        AdmissionReason.Accepted or AdmissionReason.AcceptedFirstUse or AdmissionReason.AcceptedInvite => TlsAlert.Accept,
        AdmissionReason.Superseded or AdmissionReason.Forked => TlsAlert.CertificateRevoked,
        AdmissionReason.InviteUnknown => TlsAlert.UnknownCa,
        AdmissionReason.InviteForged => TlsAlert.DecryptError,
        AdmissionReason.InviteUsed => TlsAlert.CertificateUnknown,
        AdmissionReason.InviteExpired => TlsAlert.CertificateExpired,
        AdmissionReason.InviteRevoked => TlsAlert.CertificateRevoked,
        AdmissionReason.InviteNetworkGone => TlsAlert.UnrecognizedName,
        AdmissionReason.Expired or AdmissionReason.NotYetValid => TlsAlert.CertificateExpired,
        // Whose chain proves nothing is a stranger, and not told whether it has named somebody who is known.
        AdmissionReason.SuccessionForged or AdmissionReason.Mixed or AdmissionReason.Stranger or AdmissionReason.NoPin or AdmissionReason.Itself => TlsAlert.AccessDenied,
        _ => TlsAlert.BadCertificate,
    };

    /// <summary>The reason in words, for log lines and <c>status</c>.</summary>
    public string Text => Reason switch
    {
        AdmissionReason.Accepted => "pinned",
        AdmissionReason.AcceptedFirstUse => "trusted on first use",
        AdmissionReason.Stranger => "no peer has this fingerprint",
        AdmissionReason.AcceptedInvite => "invited",
        AdmissionReason.InviteUnknown => "its invite is not one of this node's",
        AdmissionReason.InviteForged => "its invite is forged",
        AdmissionReason.InviteUsed => "its invite has been used by another node",
        AdmissionReason.InviteExpired => "its invite has expired",
        AdmissionReason.InviteRevoked => "its invite was revoked",
        AdmissionReason.InviteNetworkGone => "its invite is for a network that this node is no longer in",
        AdmissionReason.InvitedNotValid => "it is invited, but its certificate has expired or is not valid yet",
        AdmissionReason.WrongPin when Claimed is { Fingerprint: { } pin } entry && Presented is { } shown => entry.Trust switch
        {
            PeerTrust.Invite => $"its fingerprint is {shown}, that of the node that was invited is {pin}; if it is to be this one: vibepn remove-peer {entry.Name}, and a new invite",
            PeerTrust.FirstUse => $"its fingerprint has changed: it is {shown} now, on first use it was {pin}; {Accept(entry.Name, shown)}",
            _ => $"its fingerprint is not the one in the config: it is {shown}, the config has {pin}; {Accept(entry.Name, shown)}",
        },
        AdmissionReason.WrongPin => "its fingerprint is another peer's",
        AdmissionReason.SuccessionForged => "the succession of its key is forged, or not whole",
        AdmissionReason.Mixed => "its chain has keys of two peers; should they be one node, take one of the two entries out",
        AdmissionReason.Superseded => "its key has a successor, and the overlap is over; if it was restored from a backup, restore node.crt and node.key of after the rotation",
        AdmissionReason.Forked => "its key follows one that has another successor already; one of the two may be stolen",
        AdmissionReason.NoPin => "the config has no fingerprint for it",
        AdmissionReason.Itself => "it is this node itself",
        AdmissionReason.Expired => "its certificate has expired",
        AdmissionReason.NotYetValid => "its certificate is not valid yet",
        _ => "its certificate cannot be read",
    };

    private static string Accept(string name, PeerId shown) => $"if that is meant to be: vibepn add-peer --update --name {name} --fingerprint {shown}";
}
