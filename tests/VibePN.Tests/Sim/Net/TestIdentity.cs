using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Tests.Sim;

/// <summary>A certificate and key made for tests; made once per name and kept for the run.</summary>
internal sealed class TestIdentity
{
    private static readonly ConcurrentDictionary<string, TestIdentity> Made = new();

    private TestIdentity(NodeIdentity node) => Node = node;

    public NodeIdentity Node { get; }

    public static TestIdentity Get(string name) => Made.GetOrAdd(name, static made => Make(made, SimNetwork.EpochUtc.AddDays(-1), SimNetwork.EpochUtc.AddYears(10)));

    public static TestIdentity Make(string name, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(notBefore, notAfter);
        var folder = Directory.CreateTempSubdirectory($"vpn-t{Environment.ProcessId}-");
        try
        {
            var certPath = Path.Combine(folder.FullName, "node.crt");
            var keyPath = Path.Combine(folder.FullName, "node.key");
            File.WriteAllText(certPath, certificate.ExportCertificatePem());
            File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
            File.SetUnixFileMode(keyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return new TestIdentity(NodeIdentity.Load(new IdentityConfig { CertPath = certPath, KeyPath = keyPath }));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
