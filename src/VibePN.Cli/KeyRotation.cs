using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Cli;

/// <summary>
/// A successor of a node's key. The new key is written beside the old one (node.key.next), then certificate and key are each replaced in one step:
/// whenever this ends, the loader finds a certificate and the key that belongs to it. The old ones stay as FILE.bak.
/// </summary>
/// <param name="Before">The identity as it is on disk.</param>
/// <param name="OverlapEndUtcSeconds">Until when peers take the old key as well.</param>
internal sealed record KeyRotation(IdentityConfig Files, NodeIdentity Before, string Name, long OverlapEndUtcSeconds)
{
    private const UnixFileMode KeyMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode CertMode = KeyMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <exception cref="IdentityException">The identity cannot be read, or has no room for a further successor.</exception>
    public static KeyRotation Plan(NodeConfig config, TimeSpan overlap, TimeProvider clock)
    {
        NodeIdentity before = NodeIdentity.Load(config.Identity);
        return before.Lineage.Members.Count > Lineage.MaxSuccessions
            ? throw new IdentityException($"this node's key has been rotated {Lineage.MaxSuccessions} times, which is all that a chain can show; make a new identity ('vibepn init --force') and give its fingerprint to the peers")
            : new KeyRotation(config.Identity, before, config.Node.Name, (clock.GetUtcNow() + overlap).ToUnixTimeSeconds());
    }

    /// <returns>The successor's fingerprint.</returns>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public PeerId Write(TimeProvider clock)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = IdentityFiles.SelfSign(key, Name, clock.GetUtcNow());
        PeerId successor = PeerId.OfCertificate(certificate.RawData);
        string oldKey = Encoding.Latin1.GetString(Before.KeyPem.Span);
        byte[] signature;
        using (ECDsa old = ECDsa.Create())
        {
            old.ImportFromPem(oldKey);
            signature = old.SignData(SuccessionStatement.TextOf(successor, OverlapEndUtcSeconds), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }

        byte[] statement = SuccessionStatement.Encode(Before.CertificateDer.Span, OverlapEndUtcSeconds, signature);
        StringBuilder chain = new();
        _ = chain.Append(certificate.ExportCertificatePem()).Append('\n');
        foreach (string earlier in Statements(Encoding.Latin1.GetString(Before.CertificatePem.Span)))
        {
            _ = chain.Append(earlier).Append('\n');
        }

        _ = chain.Append(StatementCertificate.Make(statement, clock.GetUtcNow()));
        string newKey = key.ExportPkcs8PrivateKeyPem() + "\n";
        string keyPath = Path.GetFullPath(Files.KeyPath);
        string next = keyPath + NodeIdentity.NextSuffix;

        // An earlier rotation may have been interrupted: then the key in the file is not the one that is signed with.
        if (File.Exists(next) && File.ReadAllText(next) == oldKey)
        {
            AtomicFile.Write(keyPath, oldKey, KeyMode);
        }

        AtomicFile.ReplaceLike(next, keyPath, newKey);
        AtomicFile.Write(Files.CertPath, chain.ToString(), CertMode);
        AtomicFile.Write(keyPath, newKey, KeyMode);
        File.Delete(next);
        return successor;
    }

    /// <summary>The PEM certificates behind the first one.</summary>
    private static IEnumerable<string> Statements(string pem)
    {
        List<string> blocks = [];
        int at = 0;
        while (PemEncoding.TryFind(pem.AsSpan(at), out PemFields fields))
        {
            if (pem.AsSpan(at)[fields.Label] is "CERTIFICATE")
            {
                blocks.Add(pem[(at + fields.Location.Start.Value)..(at + fields.Location.End.Value)]);
            }

            at += fields.Location.End.Value;
        }

        return blocks.Skip(1);
    }
}
