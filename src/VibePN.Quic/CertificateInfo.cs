namespace VibePN.Quic;

/// <summary>The kind of a certificate's public key.</summary>
public enum PublicKeyKind
{
    Other,
    EcdsaP256,
    EcdsaOther,
    Ed25519,
    Rsa,
}

/// <summary>What a judgement needs of one certificate; read by GnuTLS.</summary>
public sealed record CertificateInfo(long NotBeforeUtcSeconds, long NotAfterUtcSeconds, PublicKeyKind KeyKind)
{
    /// <returns>False: not a certificate.</returns>
    public static bool TryRead(ReadOnlySpan<byte> der, out CertificateInfo? info) => throw new NotImplementedException();

    /// <summary>The extension's value (the bytes inside its OCTET STRING), or null when the certificate has none.</summary>
    public byte[]? Extension(string oid) => throw new NotImplementedException();
}
