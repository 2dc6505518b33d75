using System.Security.Cryptography;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary>
/// A certificate chain and the first certificate's key, kept in GnuTLS and shared by connections; must outlive them.
/// The chain is sent as it is given: certificates after the first need not be related to it.
/// </summary>
public sealed unsafe class QuicCredentials : IDisposable
{
    /// <summary>More would only feed a handshake's memory.</summary>
    public const int MaxChainCertificates = 16;

    private void* _native;

    private QuicCredentials(void* native) => _native = native;

    internal void* Native => _native != null ? _native : throw new ObjectDisposedException(nameof(QuicCredentials));

    /// <param name="certificateChainPem">One or more CERTIFICATE blocks; other text and blocks around them are skipped.</param>
    /// <param name="keyPem">The unencrypted private key of the first certificate (PKCS #8, SEC 1 or PKCS #1).</param>
    /// <exception cref="QuicException">No certificate, a broken one, a broken key, or key and certificate do not match.</exception>
    public static QuicCredentials FromPem(ReadOnlySpan<byte> certificateChainPem, ReadOnlySpan<byte> keyPem)
    {
        QuicLibrary.EnsureLoaded();
        void* native = null;
        void* key = null;
        var chain = stackalloc gnutls_pcert_st[MaxChainCertificates];
        var count = 0;
        try
        {
            Check(GnuTls.gnutls_certificate_allocate_credentials(&native), "credentials");
            ReadChain(certificateChainPem, chain, ref count);
            Check(GnuTls.gnutls_privkey_init(&key), "private key");
            ReadKey(keyPem, key);

            // Not gnutls_certificate_set_x509_key_mem: that one sorts the chain and wants it related.
            var result = GnuTls.gnutls_certificate_set_key(native, null, 0, chain, count, key);
            Check(result, "the key does not belong to the first certificate");

            // Chain elements and key now belong to the credentials.
            count = 0;
            key = null;
            var credentials = new QuicCredentials(native);
            native = null;
            return credentials;
        }
        finally
        {
            for (var i = 0; i < count; i++)
            {
                GnuTls.gnutls_pcert_deinit(&chain[i]);
            }

            if (key != null)
            {
                GnuTls.gnutls_privkey_deinit(key);
            }

            if (native != null)
            {
                GnuTls.gnutls_certificate_free_credentials(native);
            }
        }
    }

    /// <summary>Only after every endpoint and connection that uses them is gone.</summary>
    public void Dispose()
    {
        if (_native != null)
        {
            GnuTls.gnutls_certificate_free_credentials(_native);
            _native = null;
        }
    }

    private static void ReadChain(ReadOnlySpan<byte> pem, gnutls_pcert_st* chain, ref int count)
    {
        while (PemEncoding.TryFindUtf8(pem, out var fields))
        {
            if (pem[fields.Label].SequenceEqual("CERTIFICATE"u8))
            {
                if (count == MaxChainCertificates)
                {
                    throw new QuicException($"a certificate chain has at most {MaxChainCertificates} certificates");
                }

                fixed (byte* data = pem[fields.Location])
                {
                    var datum = new GnuTlsDatum { data = data, size = (uint)pem[fields.Location].Length };
                    Check(GnuTls.gnutls_pcert_import_x509_raw(&chain[count], &datum, GnuTls.CrtFmtPem, 0), $"certificate {count + 1} of the chain");
                }

                count++;
            }

            pem = pem[fields.Location.End..];
        }

        if (count == 0)
        {
            throw new QuicException("there is no certificate in the chain: expected PEM with -----BEGIN CERTIFICATE-----");
        }
    }

    private static void ReadKey(ReadOnlySpan<byte> pem, void* key)
    {
        fixed (byte* data = pem)
        {
            var datum = new GnuTlsDatum { data = data, size = (uint)pem.Length };
            Check(GnuTls.gnutls_privkey_import_x509_raw(key, &datum, GnuTls.CrtFmtPem, null, 0), "the private key is not usable PEM");
        }
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw new QuicException($"{what}: {GnuTls.Describe(result)}");
        }
    }
}
