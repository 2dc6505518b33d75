namespace VibePN.Quic;

/// <summary>TLS alerts that a certificate judgement can send (RFC 8446 §6.2); <see cref="Accept"/> sends none.</summary>
public enum TlsAlert : byte
{
    Accept = 0,
    BadCertificate = 42,
    CertificateRevoked = 44,
    CertificateExpired = 45,
    CertificateUnknown = 46,
    UnknownCa = 48,
    AccessDenied = 49,
    DecryptError = 51,
    UnrecognizedName = 112,
}
