using System.Reflection;
using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Config;

public sealed class ConfigDifferenceTests
{
    private const string Pin = "f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678";

    private const string Text = $"""
        [identity]
        cert = "node.crt"
        key = "node.key"

        [node]
        name = "node1"
        listen = "[::]:51820"

        [networks.corp]
        prefix = "10.42.0.0/24"
        routes = ["192.168.1.0/24", "192.168.2.0/24"]

        [[peers]]
        name = "node2"
        address = "203.0.113.42:51820"
        fingerprint = "{Pin}"
        networks = ["corp"]
        """;

    public static TheoryData<string, string, string> Changes => new()
    {
        { "listen = \"[::]:51820\"", "listen = \"[::]:7000\"", "~ [node]: listen [::]:51820 → [::]:7000" },
        { "name = \"node1\"", "name = \"bee\"", "~ [node]: name node1 → bee" },
        { "[networks.corp]", "[networks.corp]\nmtu = 1380", "~ network corp: mtu auto → 1380" },
        { "[networks.corp]", "[networks.corp]\nexport = true", "~ network corp: export false → true" },
        { "\"192.168.1.0/24\", ", "", "~ network corp: routes 192.168.1.0/24, 192.168.2.0/24 → 192.168.2.0/24" },
        { "name = \"node2\"", "name = \"bee\"", "~ peer node2: name node2 → bee" },
        { "address = \"203.0.113.42:51820\"", "", "~ peer node2: address 203.0.113.42:51820 → none" },
        { "networks = [\"corp\"]", "networks = [\"corp\"]\nallow_routes = [\"10.0.0.0/8\"]", "~ peer node2: allow_routes none → 10.0.0.0/8" },
        { "[node]", "[tuning]\nudp_gro = false\n[node]", "~ [tuning]: udp_gro true → false" },
        { "[[peers]]", "[networks.lab]\nprefix = \"fd43::/64\"\n[[peers]]", "+ network lab: fd43::/64 on vpn-lab" },
        { "[[peers]]", $"[[peers]]\nname = \"node3\"\naddress = \"b:1\"\nfingerprint = \"{Pin[..63]}0\"\n[[peers]]", "+ peer node3: b:1, networks none" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Change_OfOneThing_IsOneLine(string from, string to, string line)
    {
        NodeConfig before = Parse(Text);
        NodeConfig after = Parse(Text.Replace(from, to, StringComparison.Ordinal));

        Assert.Equal([line], ConfigDifference.Between(before, after).Select(change => change.ToString()));
        Assert.Single(ConfigDifference.Between(after, before));
        Assert.Equal(line.Contains("[tuning]", StringComparison.Ordinal), ConfigDifference.Between(before, after)[0].NeedsRestart);
    }

    [Fact]
    public void Order_SpellingAndComments_MakeNoDifference()
    {
        string other = "# comment\n" + Text.Replace("\"192.168.1.0/24\", \"192.168.2.0/24\"", "'192.168.2.0/24', '192.168.1.0/24'", StringComparison.Ordinal);

        Assert.Empty(ConfigDifference.Between(Parse(Text), Parse(other)));
    }

    [Fact]
    public void Network_GoneAndPeerGone_AreToldWithWhatTheyWere()
    {
        NodeConfig before = Parse(Text + "\n[networks.lab]\nprefix = \"10.43.0.0/24\"");
        NodeConfig after = Parse(Text[..Text.IndexOf("[[peers]]", StringComparison.Ordinal)]);

        Assert.Equal(
            ["- network lab: 10.43.0.0/24 on vpn-lab", "- peer node2: 203.0.113.42:51820, networks corp"],
            ConfigDifference.Between(before, after).Select(change => change.ToString()));
    }

    /// <summary>A key that is added to the config has to be added to the difference: otherwise a reload would not see it.</summary>
    [Theory]
    [InlineData(typeof(NetworkConfig), "Name Prefixes Addresses Export Routes Metric AcceptRoutes Mtu Interface")]
    [InlineData(typeof(PeerConfig), "Name Address MoreAddresses DialAddresses Fingerprint Trust Introduces IntroducedBy Networks AllowRoutes Addresses")]
    [InlineData(typeof(NodeSettings), "Name Listen Socket Metrics Otlp State Trust")]
    [InlineData(typeof(TuningSettings), "TunOffloads UdpGso UdpGro Crypto")]
    [InlineData(typeof(IdentityConfig), "CertPath KeyPath Fingerprint")]
    [InlineData(typeof(NodeConfig), "Path Identity Node Tuning Peers Networks Warnings")]
    public void Keys_OfTheConfig_AreKnownToTheDifference(Type type, string known) => Assert.Equal(
        known.Split(' ').Order(),
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name).Order());

    private static NodeConfig Parse(string text) => ConfigFile.Parse(text, "/etc/vibepn/config.toml");
}
