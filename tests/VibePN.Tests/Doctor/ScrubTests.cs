using VibePN.Doctor.Report;
using Xunit;

namespace VibePN.Tests.Doctor;

/// <summary>What must not leave the host.</summary>
public sealed class ScrubTests
{
    [Theory]
    [InlineData("a\n-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----\nb", "a\n(left out)\nb")]
    [InlineData("-----BEGIN EC PRIVATE KEY-----\nSECRET", "(left out)")]
    [InlineData("x -----BEGIN PRIVATE KEY-----\nSECRET1\n-----END PRIVATE KEY----- y -----BEGIN RSA PRIVATE KEY-----\nSECRET2\n-----END RSA PRIVATE KEY-----", "x (left out) y (left out)")]
    [InlineData("join vibepn1:AAbb_-99SECRET done", "join vibepn1:(left out) done")]
    [InlineData("VIBEPN1:SECRET", "vibepn1:(left out)")]
    [InlineData("secret = \"SECRET of mine\" # note", "secret = (left out) # note")]
    [InlineData("  client_secret: SECRET,", "  client_secret: (left out),")]
    [InlineData("{\"password\": \"SECRET\", \"name\": \"a\"}", "{\"password\": (left out), \"name\": \"a\"}")]
    [InlineData("WG_PSK='SECRET'", "WG_PSK=(left out)")]
    [InlineData("private_key = SECRET\nkey = \"/etc/vibepn/node.key\"", "private_key = (left out)\nkey = \"/etc/vibepn/node.key\"")]
    public void Clean_Secrets_AreLeftOut(string text, string expected) => Assert.Equal(expected, Scrub.Clean(text));

    [Theory]
    [InlineData("fingerprint = \"1111\"\nkey = \"/etc/vibepn/node.key\"\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----")]
    [InlineData("the invite's secret is never logged")]
    [InlineData("vibepn1 is the prefix of an invite")]
    public void Clean_AnythingElse_IsLeftAsItIs(string text) => Assert.Equal(text, Scrub.Clean(text));

    [Fact]
    public void Clean_Twice_IsAsOnce()
    {
        string once = Scrub.Clean("secret = SECRET vibepn1:SECRET\npassword=SECRET");
        Assert.DoesNotContain("SECRET", once, StringComparison.Ordinal);
        Assert.Equal(once, Scrub.Clean(once));
    }
}
