using System.Text;
using VibePN.Quic.Native;

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

/// <summary>What a judgement needs of one certificate; read by GnuTLS and copied.</summary>
public sealed unsafe class CertificateInfo
{
    private const int MaxExtensions = 64;
    private const int MaxOidBytes = 128;
    private const int MaxExtensionBytes = 64 * 1024;

    private readonly List<(string Oid, byte[] Value)> _extensions = [];

    private CertificateInfo(void* certificate)
    {
        NotBeforeUtcSeconds = GnuTls.gnutls_x509_crt_get_activation_time(certificate);
        NotAfterUtcSeconds = GnuTls.gnutls_x509_crt_get_expiration_time(certificate);
        KeyKind = ReadKeyKind(certificate);
        ReadExtensions(certificate);
    }

    /// <summary>First second of validity, since 1970-01-01 UTC; −1 when unreadable.</summary>
    public long NotBeforeUtcSeconds { get; }

    /// <summary>Last second of validity; −1 when unreadable.</summary>
    public long NotAfterUtcSeconds { get; }

    public PublicKeyKind KeyKind { get; }

    /// <returns>False (and null): not one whole X.509 certificate.</returns>
    public static bool TryRead(ReadOnlySpan<byte> der, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out CertificateInfo? info)
    {
        info = null;
        void* certificate;
        if (GnuTls.gnutls_x509_crt_init(&certificate) != 0)
        {
            return false;
        }

        try
        {
            fixed (byte* data = der)
            {
                var datum = new GnuTlsDatum { data = data, size = (uint)der.Length };
                if (GnuTls.gnutls_x509_crt_import(certificate, &datum, GnuTls.CrtFmtDer) != 0)
                {
                    return false;
                }
            }

            info = new CertificateInfo(certificate);
            return true;
        }
        finally
        {
            GnuTls.gnutls_x509_crt_deinit(certificate);
        }
    }

    /// <summary>The extension's value (the bytes inside its OCTET STRING, RFC 5280 §4.2), or null when the certificate has none.</summary>
    public byte[]? Extension(string oid)
    {
        foreach (var (candidate, value) in _extensions)
        {
            if (candidate == oid)
            {
                return value;
            }
        }

        return null;
    }

    private static PublicKeyKind ReadKeyKind(void* certificate)
    {
        uint bits;
        int curve;
        return GnuTls.gnutls_x509_crt_get_pk_algorithm(certificate, &bits) switch
        {
            GnuTls.PkRsa => PublicKeyKind.Rsa,
            GnuTls.PkEddsaEd25519 => PublicKeyKind.Ed25519,
            GnuTls.PkEcdsa => GnuTls.gnutls_x509_crt_get_pk_ecc_raw(certificate, &curve, null, null) == 0 && curve == GnuTls.EccCurveSecp256R1
                ? PublicKeyKind.EcdsaP256
                : PublicKeyKind.EcdsaOther,
            _ => PublicKeyKind.Other,
        };
    }

    private void ReadExtensions(void* certificate)
    {
        var oid = stackalloc byte[MaxOidBytes];
        for (var index = 0u; index < MaxExtensions; index++)
        {
            nuint oidBytes = MaxOidBytes;
            uint critical;
            if (GnuTls.gnutls_x509_crt_get_extension_info(certificate, index, oid, &oidBytes, &critical) != 0)
            {
                return;
            }

            // The first call only asks for the length: it fails with "short memory buffer" unless the value is empty.
            nuint valueBytes = 0;
            _ = GnuTls.gnutls_x509_crt_get_extension_data(certificate, index, null, &valueBytes);
            if (valueBytes > MaxExtensionBytes)
            {
                continue;
            }

            var value = new byte[valueBytes];
            fixed (byte* data = value)
            {
                if (valueBytes > 0 && GnuTls.gnutls_x509_crt_get_extension_data(certificate, index, data, &valueBytes) != 0)
                {
                    continue;
                }
            }

            var text = new ReadOnlySpan<byte>(oid, (int)oidBytes).TrimEnd((byte)0);
            _extensions.Add((Encoding.ASCII.GetString(text), value));
        }
    }
}
