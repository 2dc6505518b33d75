using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary>Hashes, keys and random bytes from GnuTLS, so that nothing else needs to load another crypto library.</summary>
public static unsafe class TlsPrimitives
{
    public const int Sha256Bytes = 32;

    /// <summary>SHA-256 into the first 32 bytes of <paramref name="digest"/>.</summary>
    public static void Sha256(ReadOnlySpan<byte> data, Span<byte> digest)
    {
        CheckRoom(digest, nameof(digest));
        fixed (byte* text = data, output = digest)
        {
            Check(GnuTls.gnutls_hash_fast(GnuTls.Sha256, text, (nuint)data.Length, output));
        }
    }

    /// <summary>HMAC-SHA-256 (RFC 2104) into the first 32 bytes of <paramref name="mac"/>.</summary>
    public static void HmacSha256(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> mac)
    {
        CheckRoom(mac, nameof(mac));
        fixed (byte* secret = key, text = data, output = mac)
        {
            Check(GnuTls.gnutls_hmac_fast(GnuTls.Sha256, secret, (nuint)key.Length, text, (nuint)data.Length, output));
        }
    }

    /// <summary>HKDF-Extract with SHA-256 (RFC 5869 §2.2) into the first 32 bytes of <paramref name="pseudoRandomKey"/>.</summary>
    public static void HkdfSha256Extract(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt, Span<byte> pseudoRandomKey)
    {
        CheckRoom(pseudoRandomKey, nameof(pseudoRandomKey));
        fixed (byte* input = secret, saltBytes = salt, output = pseudoRandomKey)
        {
            var keyDatum = new GnuTlsDatum { data = input, size = (uint)secret.Length };
            var saltDatum = new GnuTlsDatum { data = saltBytes, size = (uint)salt.Length };
            Check(GnuTls.gnutls_hkdf_extract(GnuTls.Sha256, &keyDatum, &saltDatum, output));
        }
    }

    /// <summary>HKDF-Expand with SHA-256 (RFC 5869 §2.3): fills <paramref name="output"/>, at most 255 × 32 bytes.</summary>
    public static void HkdfSha256Expand(ReadOnlySpan<byte> pseudoRandomKey, ReadOnlySpan<byte> info, Span<byte> output)
    {
        if (output.Length > 255 * Sha256Bytes)
        {
            throw new ArgumentException("HKDF-SHA-256 gives at most 8160 bytes", nameof(output));
        }

        fixed (byte* key = pseudoRandomKey, infoBytes = info, destination = output)
        {
            var keyDatum = new GnuTlsDatum { data = key, size = (uint)pseudoRandomKey.Length };
            var infoDatum = new GnuTlsDatum { data = infoBytes, size = (uint)info.Length };
            Check(GnuTls.gnutls_hkdf_expand(GnuTls.Sha256, &keyDatum, &infoDatum, destination, (nuint)output.Length));
        }
    }

    /// <summary>Fills with random bytes fit for keys.</summary>
    public static void FillRandom(Span<byte> output)
    {
        fixed (byte* destination = output)
        {
            Check(GnuTls.gnutls_rnd(GnuTls.RndRandom, destination, (nuint)output.Length));
        }
    }

    /// <summary>Whether the key of a certificate made an ECDSA signature (the DER of RFC 3279 §2.2.3) over the SHA-256 of some bytes.</summary>
    /// <returns>False also for what is no certificate, or has a key of another kind than P-256.</returns>
    public static bool VerifyEcdsaP256(ReadOnlySpan<byte> certificateDer, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (!CertificateInfo.TryRead(certificateDer, out var info) || info.KeyKind != PublicKeyKind.EcdsaP256)
        {
            return false;
        }

        void* certificate = null;
        void* key = null;
        try
        {
            Check(GnuTls.gnutls_x509_crt_init(&certificate));
            Check(GnuTls.gnutls_pubkey_init(&key));
            fixed (byte* der = certificateDer, text = data, proof = signature)
            {
                var derDatum = new GnuTlsDatum { data = der, size = (uint)certificateDer.Length };
                var dataDatum = new GnuTlsDatum { data = text, size = (uint)data.Length };
                var proofDatum = new GnuTlsDatum { data = proof, size = (uint)signature.Length };
                return GnuTls.gnutls_x509_crt_import(certificate, &derDatum, GnuTls.CrtFmtDer) == 0
                    && GnuTls.gnutls_pubkey_import_x509(key, certificate, 0) == 0
                    && GnuTls.gnutls_pubkey_verify_data2(key, GnuTls.SignEcdsaSha256, 0, &dataDatum, &proofDatum) >= 0;
            }
        }
        finally
        {
            if (key != null)
            {
                GnuTls.gnutls_pubkey_deinit(key);
            }

            if (certificate != null)
            {
                GnuTls.gnutls_x509_crt_deinit(certificate);
            }
        }
    }

    private static void CheckRoom(Span<byte> output, string name)
    {
        if (output.Length < Sha256Bytes)
        {
            throw new ArgumentException("32 bytes of room are needed", name);
        }
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new QuicException($"GnuTLS: {GnuTls.Describe(result)}");
        }
    }
}
