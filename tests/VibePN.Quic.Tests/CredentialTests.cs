using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

public sealed class CredentialTests
{
    [Fact]
    public void FromPem_KeyOfAnother_SaysSo()
    {
        var e = Assert.Throws<QuicException>(() => FromPem(TestCertificates.Alice.CertificatePem, TestCertificates.Bob.KeyPem));
        Assert.Contains("the key does not belong to the first certificate", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "there is no certificate")]
    [InlineData("hello", "there is no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1 of the chain")]
    public void FromPem_BadChain_SaysWhat(string chain, string message)
    {
        var e = Assert.Throws<QuicException>(() => FromPem(chain, TestCertificates.Alice.KeyPem));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    public void FromPem_BadKey_SaysWhat(string key)
    {
        var e = Assert.Throws<QuicException>(() => FromPem(TestCertificates.Alice.CertificatePem, key));
        Assert.Contains("the private key is not usable PEM", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromPem_SecondCertificateBroken_NamesIt()
    {
        var chain = TestCertificates.Alice.CertificatePem + "\n-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n";
        var e = Assert.Throws<QuicException>(() => FromPem(chain, TestCertificates.Alice.KeyPem));
        Assert.Contains("certificate 2 of the chain", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromPem_ChainTooLong_SaysTheLimit()
    {
        var chain = string.Join("\n", Enumerable.Repeat(TestCertificates.Alice.CertificatePem, 17));
        var e = Assert.Throws<QuicException>(() => FromPem(chain, TestCertificates.Alice.KeyPem));
        Assert.Contains("at most 16", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CertificateInfo_EcdsaWithExtension_ReadsAll()
    {
        byte[] value = [0x0c, 2, 104, 105];
        var identity = TestCertificates.Create("x", "1.3.6.1.4.1.99999.7", value);
        Assert.True(CertificateInfo.TryRead(identity.Der, out var info));
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds(), info.NotBeforeUtcSeconds);
        Assert.Equal(new DateTimeOffset(2036, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds(), info.NotAfterUtcSeconds);
        Assert.Equal(PublicKeyKind.EcdsaP256, info.KeyKind);
        Assert.Equal(value, info.Extension("1.3.6.1.4.1.99999.7"));
        Assert.Null(info.Extension("1.3.6.1.4.1.99999.8"));
    }

    [Fact]
    public void CertificateInfo_OtherKeys_ToldApart()
    {
        using var rsa = RSA.Create(2_048);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Equal(PublicKeyKind.Rsa, KindOf(new CertificateRequest("CN=r", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
        Assert.Equal(PublicKeyKind.EcdsaOther, KindOf(new CertificateRequest("CN=e", p384, HashAlgorithmName.SHA256)));

        static PublicKeyKind KindOf(CertificateRequest request)
        {
            using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90));
            Assert.True(CertificateInfo.TryRead(certificate.RawData, out var info));
            return info.KeyKind;
        }
    }

    [Fact]
    public void CertificateInfo_NotACertificate_False()
    {
        Assert.False(CertificateInfo.TryRead([], out _));
        Assert.False(CertificateInfo.TryRead([1, 2, 3], out _));
        Assert.False(CertificateInfo.TryRead(TestCertificates.Alice.Der.AsSpan(..^1), out _));
        var random = new Random(1);
        for (var i = 0; i < 5_000; i++)
        {
            var der = (byte[])TestCertificates.Alice.Der.Clone();
            der[random.Next(der.Length)] = (byte)random.Next(256);
            if (CertificateInfo.TryRead(der, out var info))
            {
                _ = info.Extension("2.5.29.19");
            }
        }
    }

    private static QuicCredentials FromPem(string chain, string key) => QuicCredentials.FromPem(Encoding.ASCII.GetBytes(chain), Encoding.ASCII.GetBytes(key));
}
