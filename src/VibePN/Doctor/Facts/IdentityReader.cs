using System.Security.Cryptography;
using System.Text;
using VibePN.Config;
using VibePN.Identity;
using VibePN.Linux.Files;
using VibePN.Quic;

namespace VibePN.Doctor.Facts;

/// <summary>Looks at certificate and key, each for itself and together.</summary>
internal static class IdentityReader
{
    private const int MaxBytes = 64 * 1024;

    public static IdentityFacts Read(IdentityConfig config)
    {
        (byte[]? cert, string? certProblem, _) = ReadFile(config.CertPath);
        (byte[]? key, string? keyProblem, bool isHidden) = ReadFile(config.KeyPath);
        IdentityFacts facts = new() { CertProblem = certProblem, KeyProblem = keyProblem, IsKeyHidden = isHidden };
        if (File.Exists(config.KeyPath + NodeIdentity.NextSuffix))
        {
            facts = facts with { NextKey = config.KeyPath + NodeIdentity.NextSuffix };
        }

        if (File.Exists(config.KeyPath))
        {
            facts = facts with { KeyMode = File.GetUnixFileMode(config.KeyPath), KeyOwner = PosixFile.GetOwner(config.KeyPath).UserId };
        }

        if (cert is not null)
        {
            facts = FirstCertificate(cert) is not { } der
                ? facts with { CertProblem = $"{config.CertPath} holds no PEM certificate" }
                : OfCertificate(facts, der);
        }

        if (key is not null && cert is not null && facts.CertProblem is null)
        {
            facts = facts with { PairProblem = TryPair(cert, key), LoadProblem = TryLoad(config) };
            CryptographicOperations.ZeroMemory(key);
        }

        return facts;
    }

    private static IdentityFacts OfCertificate(IdentityFacts facts, byte[] der)
    {
        facts = facts with { Id = PeerId.OfCertificate(der) };
        try
        {
            QuicLibrary.EnsureLoaded();
            return CertificateInfo.TryRead(der, out CertificateInfo? info)
                ? facts with { NotBeforeUtc = Time(info.NotBeforeUtcSeconds), NotAfterUtc = Time(info.NotAfterUtcSeconds) }
                : facts with { CertProblem = "the certificate file's content is no X.509 certificate" };
        }
        catch (QuicException)
        {
            // Told by the check of the libraries.
            return facts;
        }
    }

    private static DateTimeOffset? Time(long seconds) => seconds is < 0 or > 253_402_300_799 ? null : DateTimeOffset.FromUnixTimeSeconds(seconds);

    private static string? TryPair(byte[] cert, byte[] key)
    {
        try
        {
            QuicCredentials.FromPem(cert, key).Dispose();
            return null;
        }
        catch (QuicException failure)
        {
            return failure.Message;
        }
    }

    private static string? TryLoad(IdentityConfig config)
    {
        try
        {
            _ = NodeIdentity.Load(config);
            return null;
        }
        catch (IdentityException failure)
        {
            return failure.Message;
        }
    }

    private static (byte[]? Content, string? Problem, bool IsHidden) ReadFile(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return file.Length > MaxBytes ? (null, $"{path} is larger than {MaxBytes >> 10} KiB", false) : (ReadAll(file), null, false);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, $"there is no {path}", false);
        }
        catch (UnauthorizedAccessException)
        {
            return Directory.Exists(path) ? (null, $"{path} is a directory", false) : (null, $"{path} may not be read by this user", true);
        }
        catch (IOException failure)
        {
            return (null, $"{path} cannot be read: {failure.Message}", false);
        }
    }

    private static byte[] ReadAll(FileStream file)
    {
        byte[] content = new byte[file.Length];
        int count = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return content[..count];
    }

    private static byte[]? FirstCertificate(byte[] pem)
    {
        ReadOnlySpan<char> rest = Encoding.Latin1.GetString(pem);
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            if (rest[fields.Label] is "CERTIFICATE")
            {
                byte[] der = new byte[fields.DecodedDataLength];
                return Convert.TryFromBase64Chars(rest[fields.Base64Data], der, out _) ? der : null;
            }

            rest = rest[fields.Location.End..];
        }

        return null;
    }
}
