using VibePN.Config;
using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>The decision on a peer's certificate.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Peer">The entry whose rights the peer has; null when refused. Refusals name the entry in <paramref name="Claimed"/>.</param>
/// <param name="Claimed">The entry that the refused certificate belongs to or was dialed for, if there is one: for the log line.</param>
public readonly record struct AdmissionResult(AdmissionReason Reason, PeerConfig? Peer, PeerConfig? Claimed)
{
    public bool IsAccepted => Peer is not null;

    /// <summary>What the other end is told; <see cref="TlsAlert.Accept"/> when accepted.</summary>
    public TlsAlert Alert => Reason switch
    {
        AdmissionReason.Accepted or AdmissionReason.AcceptedFirstUse => TlsAlert.Accept,
        AdmissionReason.Expired or AdmissionReason.NotYetValid => TlsAlert.CertificateExpired,
        AdmissionReason.Stranger or AdmissionReason.NoPin or AdmissionReason.Itself => TlsAlert.AccessDenied,
        _ => TlsAlert.BadCertificate,
    };

    /// <summary>The reason in words, for log lines and <c>status</c>.</summary>
    public string Text => Reason switch
    {
        AdmissionReason.Accepted => "pinned",
        AdmissionReason.AcceptedFirstUse => "trusted on first use",
        AdmissionReason.Stranger => "no peer has this fingerprint",
        AdmissionReason.WrongPin => "its fingerprint is not the one in the config",
        AdmissionReason.NoPin => "the config has no fingerprint for it",
        AdmissionReason.Itself => "it is this node itself",
        AdmissionReason.Expired => "its certificate has expired",
        AdmissionReason.NotYetValid => "its certificate is not valid yet",
        _ => "its certificate cannot be read",
    };
}
