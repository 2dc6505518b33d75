using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace VibePN.Quic.Tests.Sim;

/// <summary>Self-signed ECDSA P-256 certificates, made once per run.</summary>
internal static class TestCertificates
{
    private static readonly DateTimeOffset _from = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset _to = new(2036, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static TestIdentity Alice { get; } = Create("alice");

    public static TestIdentity Bob { get; } = Create("bob");

    public static TestIdentity Carol { get; } = Create("carol");

    /// <summary>One shared set per identity: credentials are made to be shared.</summary>
    public static QuicCredentials AliceCredentials { get; } = Credentials(Alice);

    public static QuicCredentials BobCredentials { get; } = Credentials(Bob);

    public static TestIdentity Create(string name, string? extensionOid = null, byte[]? extension = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        if (extensionOid != null)
        {
            request.CertificateExtensions.Add(new X509Extension(extensionOid, extension!, critical: false));
        }

        using var certificate = request.CreateSelfSigned(_from, _to);
        return new TestIdentity(certificate.RawData, certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public static QuicCredentials Credentials(TestIdentity identity, params TestIdentity[] extra) => QuicCredentials.FromPem(
        Encoding.ASCII.GetBytes(string.Join("\n", extra.Prepend(identity).Select(i => i.CertificatePem))),
        Encoding.ASCII.GetBytes(identity.KeyPem));
}

internal sealed record TestIdentity(byte[] Der, string CertificatePem, string KeyPem);
