using VibePN.Config;
using VibePN.Identity;
using Xunit;

namespace VibePN.Tests.Identity;

public sealed class NodeIdentityTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // PEM armour around any bytes: what is inside is TLS's business.
    private const string CertificatePem = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n";
    private const string KeyPem = "-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n";
    private const string IdOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Load_BothFilesGood_GivesIdAndBytes()
    {
        NodeIdentity identity = NodeIdentity.Load(Write("text in front\n" + CertificatePem + CertificatePem.Replace("YWJj", "eHl6", StringComparison.Ordinal), KeyPem, OwnerOnly));

        Assert.Equal(IdOfAbc, identity.Id.ToString());
        Assert.True(identity.CertificateDer.Span.SequenceEqual("abc"u8));
        Assert.StartsWith("text in front", System.Text.Encoding.ASCII.GetString(identity.CertificatePem.Span), StringComparison.Ordinal);
        Assert.Equal(KeyPem, System.Text.Encoding.ASCII.GetString(identity.KeyPem.Span));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherExecute)]
    public void Load_KeyOpenToOthers_SaysChmod(UnixFileMode extra)
    {
        IdentityConfig config = Write(CertificatePem, KeyPem, OwnerOnly | extra);

        string message = Assert.Throws<IdentityException>(() => NodeIdentity.Load(config)).Message;

        Assert.EndsWith($"run: chmod 600 {config.KeyPath}", message, StringComparison.Ordinal);
        Assert.Contains("mode 06", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_OwnersReadOnlyKey_IsFine() =>
        Assert.Equal(IdOfAbc, NodeIdentity.Load(Write(CertificatePem, KeyPem, UnixFileMode.UserRead)).Id.ToString());

    [Theory]
    [InlineData("no PEM", KeyPem, "holds no PEM certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", KeyPem, "holds no PEM certificate")]
    [InlineData(KeyPem, KeyPem, "holds no PEM certificate")]
    [InlineData(CertificatePem, CertificatePem, "holds no PEM private key")]
    [InlineData(CertificatePem, "-----BEGIN ENCRYPTED PRIVATE KEY-----\na2V5\n-----END ENCRYPTED PRIVATE KEY-----\n", "without a pass phrase")]
    public void Load_WrongContent_SaysWhich(string certificate, string key, string says) =>
        Assert.Contains(says, Assert.Throws<IdentityException>(() => NodeIdentity.Load(Write(certificate, key, OwnerOnly))).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_MissingOrTooLarge_NamesTheFile()
    {
        IdentityConfig config = Write(CertificatePem, new string('x', 100_000), OwnerOnly);
        Assert.Contains("larger than 64 KiB", Assert.Throws<IdentityException>(() => NodeIdentity.Load(config)).Message, StringComparison.Ordinal);

        File.Delete(config.KeyPath);
        Assert.Contains($"there is no key at {config.KeyPath}; make an identity", Assert.Throws<IdentityException>(() => NodeIdentity.Load(config)).Message, StringComparison.Ordinal);

        File.Delete(config.CertPath);
        Assert.Contains($"there is no certificate at {config.CertPath}", Assert.Throws<IdentityException>(() => NodeIdentity.Load(config)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_OtherFingerprintExpected_Refuses()
    {
        IdentityConfig config = Write(CertificatePem, KeyPem, OwnerOnly);

        _ = NodeIdentity.Load(config with { Fingerprint = PeerId.Parse(IdOfAbc) });
        string message = Assert.Throws<IdentityException>(() => NodeIdentity.Load(config with { Fingerprint = PeerId.Parse(Tests.Config.ConfigTexts.Pin) })).Message;

        Assert.Contains(IdOfAbc, message, StringComparison.Ordinal);
    }

    private IdentityConfig Write(string certificate, string key, UnixFileMode keyMode)
    {
        IdentityConfig config = new() { CertPath = _directory.File("node.crt"), KeyPath = _directory.File("node.key") };
        File.WriteAllText(config.CertPath, certificate);
        File.WriteAllText(config.KeyPath, key);
        File.SetUnixFileMode(config.KeyPath, keyMode);
        return config;
    }
}
