using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Identity;

namespace VibePN.Tests.Sim;

/// <summary>Throw-away certificates that carry a statement.</summary>
internal static class TestStatement
{
    public static string Pem(byte[] statement)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=statement", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension(new Oid(InviteStatement.Oid), statement, critical: false));
        using var certificate = request.CreateSelfSigned(SimNetwork.EpochUtc.AddDays(-1), SimNetwork.EpochUtc.AddYears(10));
        return certificate.ExportCertificatePem() + "\n";
    }
}
