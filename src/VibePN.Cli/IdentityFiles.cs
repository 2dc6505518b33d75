using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Cli;

/// <summary>Makes identities. Only commands do: .NET's certificates bring OpenSSL into the process.</summary>
internal static class IdentityFiles
{
    /// <summary>Renewal is rotation, so the certificate itself is made to last.</summary>
    private const int Years = 10;

    /// <summary>The clock of the first peer may be behind ours.</summary>
    private static readonly TimeSpan Earlier = TimeSpan.FromDays(1);

    private const UnixFileMode KeyMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode CertMode = KeyMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>
    /// A key (ECDSA P-256, PKCS #8) and its self-signed certificate, as PEM. The key is 0600 from its first byte, and belongs to the user
    /// vibepn where that exists and we may give it away. Both go through a temporary file; without <paramref name="force"/> nothing is replaced.
    /// </summary>
    /// <returns>The certificate's fingerprint.</returns>
    /// <exception cref="IOException">A file is there already, or cannot be written.</exception>
    public static PeerId Create(string certPath, string keyPath, string name, TimeProvider clock, bool force = false)
    {
        foreach (string path in new[] { certPath, keyPath })
        {
            if (!force && File.Exists(path))
            {
                throw new IOException($"{path} is there already; --force replaces it");
            }
        }

        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = SelfSign(key, name, clock.GetUtcNow());
        AtomicFile.Write(keyPath, key.ExportPkcs8PrivateKeyPem() + "\n", KeyMode);
        // A replaced file keeps its mode, which may have been the reason to replace it.
        File.SetUnixFileMode(keyPath, KeyMode);
        if (Accounts.FindHeir() is { } user)
        {
            Accounts.SetOwner(keyPath, user, group: null);
        }

        AtomicFile.Write(certPath, certificate.ExportCertificatePem() + "\n", CertMode);
        return PeerId.OfCertificate(certificate.RawData);
    }

    /// <param name="predecessor">The key that it follows; null: it is a node's first.</param>
    public static X509Certificate2 SelfSign(ECDsa key, string name, DateTimeOffset now, PeerId? predecessor = null)
    {
        X500DistinguishedNameBuilder subject = new();
        subject.AddCommonName(name);
        CertificateRequest request = new(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        // Server and client: a node is both (RFC 5280 §4.2.1.12).
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        if (predecessor is { } before)
        {
            byte[] id = new byte[PeerId.SizeBytes];
            before.CopyTo(id);
            request.CertificateExtensions.Add(new X509Extension(new Oid(SuccessionStatement.PredecessorOid), id, critical: false));
        }

        return request.CreateSelfSigned(now - Earlier, now.AddYears(Years));
    }
}
