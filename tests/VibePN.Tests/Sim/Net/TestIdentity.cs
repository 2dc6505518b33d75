using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Tests.Sim;

/// <summary>
/// A certificate and key made for tests, the same for a name in every run: whose fingerprint is the smaller decides much, and a seed must
/// decide it again as before. So nothing in it is random, and its signature, which nobody checks, is none.
/// </summary>
internal sealed class TestIdentity
{
    private static readonly ConcurrentDictionary<string, TestIdentity> Made = new();

    private TestIdentity(NodeIdentity node) => Node = node;

    public NodeIdentity Node { get; }

    public static TestIdentity Get(string name) => Made.GetOrAdd(name, static made => Make(made, SimNetwork.EpochUtc.AddDays(-1), SimNetwork.EpochUtc.AddYears(10)));

    public static TestIdentity Make(string name, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var (certificate, key) = Pems(name, notBefore, notAfter, predecessor: null);
        return new TestIdentity(Load(certificate, key));
    }

    private static (string Certificate, string Key) Pems(string name, DateTimeOffset notBefore, DateTimeOffset notAfter, PeerId? predecessor)
    {
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = SHA256.HashData(Encoding.UTF8.GetBytes("key of " + name)) });
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        if (predecessor is { } before)
        {
            request.CertificateExtensions.Add(new X509Extension(new Oid(SuccessionStatement.PredecessorOid), Convert.FromHexString(before.ToString()), critical: false));
        }

        using var certificate = request.Create(request.SubjectName, new Unsigned(key), notBefore, notAfter, [1]);
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static NodeIdentity Load(string certificatePem, string keyPem)
    {
        var folder = Directory.CreateTempSubdirectory($"vpn-t{Environment.ProcessId}-");
        try
        {
            var certPath = Path.Combine(folder.FullName, "node.crt");
            var keyPath = Path.Combine(folder.FullName, "node.key");
            File.WriteAllText(certPath, certificatePem);
            File.WriteAllText(keyPath, keyPem);
            File.SetUnixFileMode(keyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return NodeIdentity.Load(new IdentityConfig { CertPath = certPath, KeyPath = keyPath });
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A successor, signed for by this one; <paramref name="signer"/> instead signs for it, where that is to be shown as wrong.</summary>
    /// <param name="isBound">False: the successor's certificate is that of <see cref="Get"/>, and does not name the one before.</param>
    public TestIdentity Succeed(string name, long overlapEnd, TestIdentity? signer = null, Func<byte[], byte[]>? damage = null, bool isBound = true)
    {
        var (certificate, keyPem) = Pems(name, SimNetwork.EpochUtc.AddDays(-1), SimNetwork.EpochUtc.AddYears(10), isBound ? Node.Lineage.Current : null);
        using var next = X509Certificate2.CreateFromPem(certificate);
        using var key = ECDsa.Create();
        key.ImportFromPem(Encoding.ASCII.GetString((signer ?? this).Node.KeyPem.Span));
        var signature = key.SignData(SuccessionStatement.TextOf(PeerId.OfCertificate(next.RawData), overlapEnd), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        var statement = SuccessionStatement.Encode(Node.CertificateDer.Span, overlapEnd, signature);
        var before = Encoding.ASCII.GetString(Node.CertificatePem.Span);
        var rest = before[(before.IndexOf("-----END CERTIFICATE-----", StringComparison.Ordinal) + 25)..];
        var pem = certificate + "\n" + rest + "\n" + TestStatement.Pem(damage is null ? statement : damage(statement));
        return damage is null && signer is null && isBound
            ? new TestIdentity(Load(pem, keyPem))
            : new TestIdentity(Get(name).Node) { Chain = Encoding.ASCII.GetBytes(pem), First = next.RawData };
    }

    /// <summary>The same key, with another chain.</summary>
    public TestIdentity Showing(string pem) => new(Node) { Chain = Encoding.ASCII.GetBytes(pem) };

    /// <summary>The first certificate of <see cref="Chain"/>, DER.</summary>
    public byte[]? First { get; private init; }

    /// <summary>What is presented instead of the node's own chain; null: that one.</summary>
    public byte[]? Chain { get; private init; }

    /// <summary>Two fixed numbers in place of an ECDSA signature, which differs each time.</summary>
    private sealed class Unsigned(ECDsa key) : X509SignatureGenerator
    {
        private readonly X509SignatureGenerator _form = CreateForECDsa(key);

        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => _form.GetSignatureAlgorithmIdentifier(hashAlgorithm);

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => [0x30, 6, 2, 1, 1, 2, 1, 1];

        protected override PublicKey BuildPublicKey() => _form.PublicKey;
    }
}
