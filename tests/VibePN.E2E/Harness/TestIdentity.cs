using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace VibePN.E2E.Harness;

/// <summary>A certificate and its key, as PEM.</summary>
public sealed record TestIdentity(string CertificatePem, string KeyPem, string Fingerprint)
{
    public static TestIdentity Create(string name, TimeSpan? validFrom = null, TimeSpan? validUntil = null)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate =
            request.CreateSelfSigned(now + (validFrom ?? TimeSpan.FromHours(-1)), now + (validUntil ?? TimeSpan.FromDays(3650)));
        return new TestIdentity(
            certificate.ExportCertificatePem() + "\n",
            key.ExportPkcs8PrivateKeyPem() + "\n",
            Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)));
    }

    public static TestIdentity CreateExpired(string name) => Create(name, TimeSpan.FromDays(-2), TimeSpan.FromDays(-1));

    public static TestIdentity CreateNotYetValid(string name) => Create(name, TimeSpan.FromDays(1), TimeSpan.FromDays(2));
}
