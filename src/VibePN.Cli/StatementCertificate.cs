using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Identity;

namespace VibePN.Cli;

/// <summary>Throw-away certificates that carry a statement: their key is forgotten, and nobody looks at anything else in them.</summary>
internal static class StatementCertificate
{
    /// <returns>PEM.</returns>
    public static string Make(in InviteProof proof, DateTimeOffset now) => Make(InviteStatement.Encode(proof), now);

    /// <returns>PEM.</returns>
    public static string Make(byte[] statement, DateTimeOffset now)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=statement", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension(new Oid(InviteStatement.Oid), statement, critical: false));
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(1));
        return certificate.ExportCertificatePem() + "\n";
    }
}
