using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Cli;

/// <summary>A successor of a node's key; <see cref="IdentityExchange"/> puts it in its place.</summary>
/// <param name="Before">The identity as it is on disk.</param>
/// <param name="OverlapEndUtcSeconds">Until when peers take the old key as well.</param>
internal sealed record KeyRotation(IdentityConfig Files, NodeIdentity Before, string Name, long OverlapEndUtcSeconds)
{
    /// <summary>One command at a time changes an identity.</summary>
    /// <exception cref="IOException">Another one does.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public static ConfigLock Lock(IdentityConfig files)
    {
        string key = AtomicFile.TargetOf(files.KeyPath);
        return Directory.Exists(Path.GetDirectoryName(key))
            ? ConfigLock.TryTake(key) ?? throw new IOException($"another 'vibepn rotate-key' is changing {files.KeyPath} (it holds {ConfigLock.PathOf(key)}); wait for its end, and see with 'vibepn status' whether another rotation is still wanted")
            : throw new IOException($"there is no directory {Path.GetDirectoryName(key)}; make an identity with 'vibepn init'");
    }

    /// <exception cref="IdentityException">The identity cannot be read, is of a kind that cannot be succeeded, or has no room for a further successor.</exception>
    public static KeyRotation Plan(NodeConfig config, TimeSpan overlap, TimeProvider clock)
    {
        const string Cure = "make a new identity ('vibepn init --force') and give its fingerprint to the peers";
        NodeIdentity before = NodeIdentity.Load(config.Identity);
        if (!before.CanBeSucceeded)
        {
            throw new IdentityException($"the key of {config.Identity.CertPath} is not ECDSA P-256, so it cannot sign for a successor; {Cure}");
        }

        return before.Lineage.Members.Count > Lineage.MaxSuccessions
            ? throw new IdentityException($"this node's key has been rotated {Lineage.MaxSuccessions} times, which is all that a chain can show; {Cure}")
            : new KeyRotation(config.Identity, before, config.Node.Name, (clock.GetUtcNow() + overlap).ToUnixTimeSeconds());
    }

    /// <returns>The successor's fingerprint.</returns>
    /// <exception cref="IdentityException">The key does not fit the certificate: nothing was written.</exception>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public PeerId Write(TimeProvider clock)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = IdentityFiles.SelfSign(key, Name, clock.GetUtcNow(), Before.Lineage.Current);
        PeerId successor = PeerId.OfCertificate(certificate.RawData);
        byte[] statement = SuccessionStatement.Encode(Before.CertificateDer.Span, OverlapEndUtcSeconds, Sign(successor));
        StringBuilder chain = new();
        _ = chain.Append(certificate.ExportCertificatePem()).Append('\n');
        foreach (string earlier in Statements(Encoding.Latin1.GetString(Before.CertificatePem.Span)))
        {
            _ = chain.Append(earlier).Append('\n');
        }

        _ = chain.Append(StatementCertificate.Make(statement, clock.GetUtcNow()));
        IdentityExchange.Write(Files, Before, chain.ToString(), key.ExportPkcs8PrivateKeyPem() + "\n");
        return successor;
    }

    private byte[] Sign(PeerId successor)
    {
        try
        {
            using ECDsa old = ECDsa.Create();
            old.ImportFromPem(Encoding.Latin1.GetString(Before.KeyPem.Span));
            return old.SignData(SuccessionStatement.TextOf(successor, OverlapEndUtcSeconds), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            throw new IdentityException($"{Files.KeyPath} is not the key of {Files.CertPath}: {failure.Message}", failure);
        }
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
