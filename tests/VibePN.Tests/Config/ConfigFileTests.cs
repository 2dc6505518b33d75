using System.Net;
using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Config;

public sealed class ConfigFileTests
{
    [Fact]
    public void Parse_GoDaemonsFile_LoadsUnchanged()
    {
        NodeConfig config = ConfigFile.Parse(ConfigTexts.GoDaemon, "/etc/vibepn/config.toml");

        Assert.Equal("/etc/vibepn/certs/node1.crt", config.Identity.CertPath);
        Assert.Equal("abcd1234ef567890abcd1234ef567890abcd1234ef567890abcd1234ef567890", config.Identity.Fingerprint.ToString());
        Assert.Equal(["node2", "node3"], config.Peers.Select(peer => peer.Name));
        Assert.Equal(new HostPort("203.0.113.42", 51820), config.Peers[0].Address);
        Assert.Equal(new HostPort("node3.example.net", 51820), config.Peers[1].Address);
        Assert.Null(config.Peers[1].Fingerprint);
        Assert.Equal(["corp", "local"], config.Networks.Select(network => network.Name));
        Assert.Equal(new TuningSettings { TunOffloads = true, UdpGso = true, UdpGro = true, Crypto = CryptoChoice.Auto }, config.Tuning);
        Assert.Equal([null], config.Networks[0].Addresses);
        Assert.True(config.Networks[0].Export);
        Assert.Equal([IPAddress.Parse("10.99.0.7")], config.Networks[1].Addresses);
        Assert.False(config.Networks[1].Export);
        ConfigError warning = Assert.Single(config.Warnings);
        Assert.Equal(13, warning.Line);
        Assert.Contains("node3", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_FullFile_FillsEveryField()
    {
        NodeConfig config = ConfigFile.Parse(ConfigTexts.Full, "/etc/vibepn/config.toml");

        Assert.Equal("/etc/vibepn/config.toml", config.Path);
        Assert.Equal(new IdentityConfig { CertPath = "/etc/vibepn/node.crt", KeyPath = "/keys/node.key" }, config.Identity);
        Assert.Equal(
            new NodeSettings
            {
                Name = "node1",
                Listen = IPEndPoint.Parse("0.0.0.0:7000"),
                Socket = "/etc/vibepn/run/vibepn.sock",
                Metrics = null,
                State = "/var/lib/other",
                Trust = TrustMode.FirstUse,
            },
            config.Node);
        Assert.Equal(
            new TuningSettings { TunOffloads = false, UdpGso = false, UdpGro = false, Crypto = CryptoChoice.IpsecMb },
            config.Tuning);
        PeerConfig peer = Assert.Single(config.Peers);
        Assert.Equal(new HostPort("2001:db8::2", 51820), peer.Address);
        Assert.Equal(PeerId.Parse(ConfigTexts.Pin), peer.Fingerprint);
        Assert.Equal([IPNetwork.Parse("192.168.20.0/24"), IPNetwork.Parse("fd99::/48")], peer.AllowRoutes);
        Assert.Equal([IPAddress.Parse("10.42.0.9"), IPAddress.Parse("fd42::9")], peer.Addresses);
        NetworkConfig network = Assert.Single(config.Networks);
        Assert.Equal([IPNetwork.Parse("10.42.0.0/24"), IPNetwork.Parse("fd42::/64")], network.Prefixes);
        Assert.Equal([IPAddress.Parse("10.42.0.1"), IPAddress.Parse("fd42::1")], network.Addresses);
        Assert.True(network.Export);
        Assert.False(network.AcceptRoutes);
        Assert.Equal([IPNetwork.Parse("192.168.10.0/24")], network.Routes);
        Assert.Equal(1380, network.Mtu);
        Assert.Equal("tun-corp", network.Interface);
        Assert.Empty(config.Warnings);
    }

    [Fact]
    public void Parse_LeastFile_TakesTheDefaults()
    {
        NodeConfig config = ConfigFile.Parse(ConfigTexts.Least, "/etc/vibepn/config.toml");

        Assert.True(Names.IsValid(config.Node.Name));
        Assert.Equal(IPEndPoint.Parse("[::]:51820"), config.Node.Listen);
        Assert.Equal("/run/vibepn/vibepn.sock", config.Node.Socket);
        Assert.Equal(IPEndPoint.Parse("127.0.0.1:9000"), config.Node.Metrics);
        Assert.Equal("/var/lib/vibepn", config.Node.State);
        Assert.Equal(TrustMode.Pinned, config.Node.Trust);
        NetworkConfig network = Assert.Single(config.Networks);
        Assert.Equal([null], network.Addresses);
        Assert.False(network.Export);
        Assert.True(network.AcceptRoutes);
        Assert.Null(network.Mtu);
        Assert.Equal("vpn-corp", network.Interface);
        Assert.Empty(config.Peers);
    }

    /// <summary>A mistake appended to the least file, whose last line is 5; where it must be told, and what the message must say.</summary>
    [Theory]
    [InlineData("exprot = true", 6, 1, "[networks.corp] has no key 'exprot'; did you mean 'export'?")]
    [InlineData("colour = \"red\"", 6, 1, "has no key 'colour'; known are accept_routes, address, export")]
    [InlineData("export = \"yes\"", 6, 10, "'export' must be true or false, not a text")]
    [InlineData("routes = \"10.0.0.0/8\"", 6, 10, "'routes' must be a list of texts, not a text")]
    [InlineData("routes = [10]", 6, 11, "this is a number")]
    [InlineData("routes = [\"192.168.1.7/24\"]", 6, 11, "host bits set; write 192.168.1.0/24")]
    [InlineData("routes = [\"192.168.1.0/33\"]", 6, 11, "prefix length must be a number from 0 to 32")]
    [InlineData("routes = [\"192.168.1.0\"]", 6, 11, "no prefix length; write 192.168.1.0/32")]
    [InlineData("routes = [\"10.1/16\"]", 6, 11, "'10.1' is no IPv4 or IPv6 address")]
    [InlineData("routes = [\"10.1.0.0/16\", \"10.1.0.0/16\"]", 6, 26, "listed twice")]
    [InlineData("prefixes = [\"10.42.0.128/25\"]", 6, 13, "overlaps 10.42.0.0/24 of network 'corp' (line 5)")]
    [InlineData("prefixes = [\"0.0.0.0/0\"]", 6, 13, "is everything")]
    [InlineData("prefixes = [\"10.43.0.0/31\"]", 4, 11, "no room for an automatic address")]
    [InlineData("address = \"10.43.0.1\"", 6, 11, "10.43.0.1 is outside of 10.42.0.0/24")]
    [InlineData("address = \"10.42.0.0\"", 6, 11, "names 10.42.0.0/24 itself or its broadcast")]
    [InlineData("address = \"10.42.0.255\"", 6, 11, "names 10.42.0.0/24 itself or its broadcast")]
    [InlineData("address = \"10.42.0.1/24\"", 6, 11, "without a prefix length")]
    [InlineData("address = [\"10.42.0.1\", \"10.42.0.2\"]", 6, 25, "'address' has 2 entries for 1 prefix; one per prefix")]
    [InlineData("prefixes = [\"fd42::/64\"]\naddress = [\"10.42.0.1\", \"10.42.0.2\"]", 7, 25, "already has the own address 10.42.0.1")]
    [InlineData("prefixes = [\"fd42::/64\"]\naddress = [\"10.42.0.1\", \"fd43::1\"]", 7, 25, "fd43::1 is outside of 10.42.0.0/24 and fd42::/64")]
    [InlineData("address = 10", 6, 11, "must be a text or a list of texts, not a number")]
    [InlineData("mtu = 1279", 6, 7, "from 1280 to 65535")]
    [InlineData("mtu = \"large\"", 6, 7, "a whole number or \"auto\"")]
    [InlineData("interface = \"a-name-too-long-for-it\"", 6, 13, "cannot name a link")]
    [InlineData("interface = \"a/b\"", 6, 13, "cannot name a link")]
    [InlineData("prefix = \"10.44.0.0/24\"", 6, 1, "'prefix' is set twice, first on line 5")]
    [InlineData("[networks.corp]", 6, 11, "'corp' is already there as a table (line 4)")]
    [InlineData("[networks.Corp]\nprefix = \"10.44.0.0/24\"", 6, 11, "'Corp' is no name")]
    [InlineData("[networks.lab]\nexport = true", 6, 11, "[networks.lab] needs 'prefix'")]
    [InlineData("[networks.lab]\nprefix = \"10.42.0.0/16\"", 7, 10, "overlaps 10.42.0.0/24 of network 'corp' (line 5)")]
    [InlineData("[networks.lab]\nprefix = \"10.44.0.0/16\"\ninterface = \"vpn-corp\"", 8, 13, "networks 'corp' and 'lab' would share the link 'vpn-corp'")]
    [InlineData("[networks]\nlab = 1", 7, 7, "must be a table: write [networks.lab]")]
    [InlineData("[node]\nlisten = \"51820\"", 7, 10, "no address and port; write one like [::]:51820")]
    [InlineData("[node]\nlisten = \"example.org:1\"", 7, 10, "no address and port")]
    [InlineData("[node]\nname = \"Node 1\"", 7, 8, "is no name")]
    [InlineData("[node]\nmetrics = \"x\"", 7, 11, "write one like 127.0.0.1:9000")]
    [InlineData("[node]\notlp = \"https://otel.example\"", 7, 8, "is no address of a collector, as \"http://127.0.0.1:4318\"; what needs TLS")]
    [InlineData("[node]\notlp = \"127.0.0.1:4318\"", 7, 8, "is no address of a collector")]
    [InlineData("[node]\ntrust = \"all\"", 7, 9, "must be \"pinned\" or \"tofu\"")]
    [InlineData("[node]\nstate = \"\"", 7, 9, "'state' is empty")]
    [InlineData("[node]\nsocket = \"/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678\"", 7, 10, "longer than 107 bytes")]
    [InlineData("[tuning]\ncrypto = \"openssl\"", 7, 10, "must be \"auto\", \"gnutls\" or \"ipsec-mb\"")]
    [InlineData("[tuning]\nudp_gso = 1", 7, 11, "'udp_gso' must be true or false, not a number")]
    [InlineData("[tuning]\ngro = true", 7, 1, "[tuning] has no key 'gro'")]
    [InlineData("[nodes]\nname = \"a\"", 6, 2, "the file has no key 'nodes'; did you mean 'node'?")]
    [InlineData("[peers]\nname = \"a\"", 6, 2, "'peers' must be a list of tables: write [[peers]], not a table")]
    [InlineData("[[peers]]\nname = \"a\"", 6, 3, "neither an address nor a fingerprint")]
    [InlineData("[[peers]]\naddress = \"h:1\"", 6, 3, "[[peers]] needs 'name'")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"h\"", 8, 11, "'h' has no port; write HOST:PORT")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"h:0\"", 8, 11, "needs a port from 1 to 65535")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"fd00::1:5\"", 8, 11, "in brackets")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"10.0.0.300:5\"", 8, 11, "neither a host name nor an address")]
    [InlineData("[[peers]]\nname = \"a\"\nfingerprint = \"abc\"", 8, 15, "64 hexadecimal digits, but it has 3 characters")]
    [InlineData("[[peers]]\nname = \"a\"\nfingerprint = \"g00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678\"", 8, 15, "another character in it")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"h:1\"\nnetworks = [\"crop\"]", 9, 13, "there is no network 'crop'; did you mean 'corp'?")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"h:1\"\nnetworks = [\"corp\"]\naddresses = [\"10.43.0.1\"]", 10, 14, "10.43.0.1 is no host address in 10.42.0.0/24")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"h:1\"\n[[peers]]\nname = \"a\"\naddress = \"h:1\"", 10, 8, "there is a peer 'a' already (line 7)")]
    [InlineData("a = ", 6, 5, "no TOML: ")]
    [InlineData("a = \"unended", 6, 13, "no TOML: ")]
    [InlineData("[[[[", 6, 3, "no TOML: ")]
    public void Parse_OneMistake_IsToldAtItsPlaceWithTheCure(string mistake, int line, int column, string says)
    {
        ConfigException failure = Assert.Throws<ConfigException>(() => ConfigFile.Parse(ConfigTexts.Least + mistake + "\n", "f.toml"));

        ConfigError error = Assert.Single(failure.Errors);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (error.Line, error.Column));
        Assert.StartsWith($"f.toml:{line}:{column}: ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_ManyMistakes_AreToldAtOnceInOrder()
    {
        const string Text = """
            [identity]
            cert = 1
            [node]
            name = "A"
            colour = "red"
            [networks.corp]
            prefix = "10.42.0.1/24"
            mtu = 1
            [[peers]]
            name = "p"
            fingerprint = "x"
            networks = ["lab"]
            """;

        ConfigException failure = Assert.Throws<ConfigException>(() => ConfigFile.Parse(Text, "f.toml"));

        Assert.Equal(
            [
                "f.toml:1:2: [identity] needs 'key'",
                "f.toml:2:8: 'cert' must be a text in quotes, not a number",
                "f.toml:4:8: 'A' is no name: 1 to 32 of a-z, 0-9 and '-', not beginning with '-'; 'a' would do",
                "f.toml:5:1: [node] has no key 'colour'; known are listen, metrics, name, otlp, socket, state, trust",
                "f.toml:7:10: '10.42.0.1/24' has host bits set; write 10.42.0.0/24",
                "f.toml:8:7: 'mtu' must be from 1280 to 65535, or \"auto\"",
                "f.toml:11:15: a fingerprint is 64 hexadecimal digits, but it has 1 characters; 'vibepn status' on the other node shows it",
                "f.toml:12:13: there is no network 'lab'; add [networks.lab], or take it out",
            ],
            failure.Errors.Select(error => error.ToString()));
    }

    [Fact]
    public void Parse_TwoPeersWithOnePin_IsRefused()
    {
        string text = ConfigTexts.Least + $"[[peers]]\nname = \"a\"\nfingerprint = \"{ConfigTexts.Pin}\"\n[[peers]]\nname = \"b\"\nfingerprint = \"{ConfigTexts.Pin.ToUpperInvariant()}\"\n";

        ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => ConfigFile.Parse(text, "f")).Errors);

        Assert.Equal((11, "peers 'a' and 'b' have the same fingerprint; one node is one peer"), (error.Line, error.Message));
    }

    [Fact]
    public void Parse_PeerWithOwnPin_IsRefused()
    {
        string text = ConfigTexts.Least.Replace("key = \"k\"", $"key = \"k\"\nfingerprint = \"{ConfigTexts.Pin}\"", StringComparison.Ordinal)
            + $"[[peers]]\nname = \"a\"\nfingerprint = \"{ConfigTexts.Pin}\"\n";

        ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => ConfigFile.Parse(text, "f")).Errors);

        Assert.Contains("this node's own fingerprint", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_AddressOfAnotherPeerOrOurs_IsRefused()
    {
        string text = ConfigTexts.Least + """
            address = "10.42.0.1"
            [[peers]]
            name = "a"
            address = "h:1"
            networks = ["corp"]
            addresses = ["10.42.0.1", "10.42.0.2"]
            [[peers]]
            name = "b"
            address = "h:2"
            networks = ["corp"]
            addresses = ["10.42.0.2"]
            """;

        IReadOnlyList<ConfigError> errors = Assert.Throws<ConfigException>(() => ConfigFile.Parse(text, "f")).Errors;

        Assert.Equal(
            ["10.42.0.1 is this node's own address", "10.42.0.2 is listed for peer 'a' as well"],
            errors.Select(error => error.Message));
    }

    [Fact]
    public void Parse_InlineTablesAndDottedKeys_MeanTheSame()
    {
        const string Text = """
            identity = { cert = "/c", key = "/k" }
            peers = [ { name = "a", address = "h:1", networks = ["corp"] } ]
            networks.corp.prefix = "fd42::/64"
            networks.corp.export = true
            """;

        NodeConfig config = ConfigFile.Parse(Text, "/f");

        Assert.Equal("/c", config.Identity.CertPath);
        Assert.Equal("a", Assert.Single(config.Peers).Name);
        Assert.True(Assert.Single(config.Networks).Export);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("[")]
    [InlineData("= 1")]
    [InlineData("a = [{b = [{c = ")]
    [InlineData("peers = 1\nnetworks = 2\nidentity = 3\nnode = 4")]
    [InlineData("[[identity]]\n[[node]]\n[[networks]]\n[[networks.a]]")]
    public void Parse_Rubbish_IsAConfigException(string text) =>
        Assert.NotEmpty(Assert.Throws<ConfigException>(() => ConfigFile.Parse(text, "f")).Errors);

    [Fact]
    public void Parse_DeepNesting_IsAConfigException() =>
        Assert.NotEmpty(Assert.Throws<ConfigException>(() => ConfigFile.Parse("a = " + new string('[', 500_000), "f")).Errors);

    [Fact]
    public void Parse_DamagedFiles_NeverThrowAnythingElse()
    {
        const int Seed = 20_261_122;
        Random random = new(Seed);
        for (int round = 0; round < 3000; round++)
        {
            char[] text = (round % 2 == 0 ? ConfigTexts.Full : ConfigTexts.GoDaemon).ToCharArray();
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                text[random.Next(text.Length)] = "[]{}=\"'#.,\n\\a1é"[random.Next(15)];
            }

            string damaged = new(text);
            try
            {
                _ = ConfigFile.Parse(damaged, "f");
            }
            catch (ConfigException)
            {
            }
            catch (Exception other)
            {
                Assert.Fail($"seed {Seed}, round {round}: {other}\n{damaged}");
            }
        }
    }

    [Fact]
    public void Load_MissingUnreadableTooLargeOrNotText_SaysWhatToDo()
    {
        using TemporaryDirectory directory = new();
        string file = directory.File("config.toml");
        Assert.Contains("no such file; make one with 'vibepn init'", FailureOf(file), StringComparison.Ordinal);
        Assert.Contains("is a directory", FailureOf(directory.Path), StringComparison.Ordinal);

        File.WriteAllBytes(file, new byte[ConfigFile.MaxBytes + 1]);
        Assert.Contains("is larger than 1024 KiB", FailureOf(file), StringComparison.Ordinal);

        File.WriteAllBytes(file, [0x61, 0xff, 0xfe]);
        Assert.Contains("is not UTF-8 (byte 1)", FailureOf(file), StringComparison.Ordinal);

        static string FailureOf(string path)
        {
            ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => ConfigFile.Load(path)).Errors);
            Assert.Equal((0, 0), (error.Line, error.Column));
            return error.Message;
        }
    }

    [Fact]
    public void Load_ByteOrderMark_IsSkipped()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory.File("c"), ConfigTexts.Full, new System.Text.UTF8Encoding(true));

        Assert.Equal("node1", ConfigFile.Load(directory.File("c")).Node.Name);
    }
}
