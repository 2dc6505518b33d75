using System.Security.Cryptography;
using System.Text;
using VibePN.Config;
using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>The node's own certificate and key as read from their files. Holds the private key in memory: keep it out of logs.</summary>
public sealed class NodeIdentity
{
    /// <summary>Behind the key's path: where a rotation puts the new key before the certificate is replaced.</summary>
    public const string NextSuffix = ".next";

    /// <summary>Larger files are no identity.</summary>
    private const int MaxFileBytes = 64 * 1024;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private NodeIdentity(byte[] certificatePem, byte[] keyPem, byte[] certificateDer, Lineage lineage)
    {
        CertificatePem = certificatePem;
        KeyPem = keyPem;
        CertificateDer = certificateDer;
        Lineage = lineage;
    }

    /// <summary>The certificate file's bytes: one certificate or a chain, ours first.</summary>
    public ReadOnlyMemory<byte> CertificatePem { get; }

    public ReadOnlyMemory<byte> KeyPem { get; }

    /// <summary>The first certificate of <see cref="CertificatePem"/>.</summary>
    public ReadOnlyMemory<byte> CertificateDer { get; }

    /// <summary>Who the node is: the first fingerprint of <see cref="Lineage"/>.</summary>
    public PeerId Id => Lineage.First;

    /// <summary>What the successions behind the certificate prove; its fingerprint is the last.</summary>
    public Lineage Lineage { get; }

    /// <summary>Its key can sign for a successor: it is ECDSA P-256.</summary>
    public bool CanBeSucceeded => CertificateInfo.TryRead(CertificateDer.Span, out CertificateInfo? info) && info.KeyKind == PublicKeyKind.EcdsaP256;

    /// <summary>Reads both files. Whether the key fits the certificate shows only when TLS takes them.</summary>
    /// <exception cref="IdentityException">The message names the file, what is wrong and the cure.</exception>
    public static NodeIdentity Load(IdentityConfig config)
    {
        byte[] certificatePem = ReadFile(config.CertPath, "certificate", secret: false);
        List<byte[]> chain = DecodeAll(certificatePem, label => label == "CERTIFICATE");
        byte[] certificateDer = chain.FirstOrDefault()
            ?? throw new IdentityException($"{config.CertPath} holds no PEM certificate; make an identity with 'vibepn init'");
        byte[] keyPem = ReadKey(config.KeyPath, certificatePem);
        if (DecodeAll(keyPem, label => label is "PRIVATE KEY" or "EC PRIVATE KEY").Count == 0)
        {
            throw new IdentityException($"{config.KeyPath} holds no PEM private key without a pass phrase; make an identity with 'vibepn init'");
        }

        PeerId current = PeerId.OfCertificate(certificateDer);
        Lineage lineage = LineageOf(certificatePem)
            ?? throw new IdentityException($"a succession behind the certificate in {config.CertPath} is damaged or missing; restore the file from a backup, such as {config.CertPath}.bak with its key");
        NodeIdentity identity = new(certificatePem, keyPem, certificateDer, lineage);
        if (config.Fingerprint is { } expected && !lineage.Has(expected))
        {
            throw new IdentityException(
                $"{config.CertPath} has the fingerprint {current}, but [identity] expects {expected}; correct the fingerprint, or name the right files");
        }

        return identity;
    }

    /// <summary>What a certificate file proves; null: it is not a certificate with all its successions.</summary>
    public static Lineage? LineageOf(byte[] certificatePem)
    {
        List<byte[]> chain = DecodeAll(certificatePem, label => label == "CERTIFICATE");
        return chain.Count > 0 && LineageProof.Read(chain[0], chain[1..]) is { IsProven: true } proof ? proof.Lineage : null;
    }

    private static byte[] ReadFile(string path, string what, bool secret)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (secret)
            {
                RefuseIfShared(path, File.GetUnixFileMode(file.SafeFileHandle));
            }

            byte[] buffer = new byte[MaxFileBytes + 1];
            int count = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            byte[] content = count <= MaxFileBytes
                ? buffer.AsSpan(0, count).ToArray()
                : throw new IdentityException($"{path} is larger than {MaxFileBytes >> 10} KiB: this is no {what}");
            CryptographicOperations.ZeroMemory(buffer);
            return content;
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IdentityException($"there is no {what} at {path}; make an identity with 'vibepn init'", failure);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw new IdentityException($"the {what} {path} may not be read by this user; run as its owner or as root", failure);
        }
        catch (IOException failure)
        {
            throw new IdentityException($"the {what} {path} cannot be read: {failure.Message}", failure);
        }
    }

    private static void RefuseIfShared(string path, UnixFileMode mode)
    {
        if ((mode & Others) != 0)
        {
            throw new IdentityException($"the key {path} is open to other users (mode {Convert.ToString((int)mode, 8).PadLeft(4, '0')}); run: chmod 600 {path}");
        }
    }

    /// <summary>
    /// A rotation that was interrupted leaves the successor's certificate with its key still beside: the key that belongs to the certificate counts.
    /// </summary>
    private static byte[] ReadKey(string path, byte[] certificatePem)
    {
        byte[] key = ReadFile(path, "key", secret: true);
        string next = path + NextSuffix;
        if (!File.Exists(next) || Fits(certificatePem, key))
        {
            return key;
        }

        byte[] successor = ReadFile(next, "key", secret: true);
        return Fits(certificatePem, successor) ? successor : key;
    }

    internal static bool Fits(byte[] certificatePem, byte[] keyPem)
    {
        try
        {
            using QuicCredentials credentials = QuicCredentials.FromPem(certificatePem, keyPem);
            return true;
        }
        catch (QuicException)
        {
            return false;
        }
    }

    /// <summary>The bytes inside the PEM blocks with a fitting label (RFC 7468), up to the first broken one.</summary>
    private static List<byte[]> DecodeAll(byte[] pem, Func<string, bool> fits)
    {
        List<byte[]> found = [];
        ReadOnlySpan<char> rest = Encoding.Latin1.GetString(pem);
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            if (fits(rest[fields.Label].ToString()))
            {
                byte[] der = new byte[fields.DecodedDataLength];
                if (!Convert.TryFromBase64Chars(rest[fields.Base64Data], der, out int written) || written != der.Length)
                {
                    break;
                }

                found.Add(der);
            }

            rest = rest[fields.Location.End..];
        }

        return found;
    }
}
