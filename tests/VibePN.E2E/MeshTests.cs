using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Several peers, several networks, several kinds of underlay.</summary>
public sealed class MeshTests : IDisposable
{
    private const string Lab = "lab";
    private const string LabInterface = "vpn-lab";

    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void Mesh_OfThreeNodes_CarriesEveryPairInBothFamilies()
    {
        TestNode[] nodes = [_bed.AddNode("one"), _bed.AddNode("two"), _bed.AddNode("three")];
        foreach (TestNode node in nodes)
        {
            foreach (TestNode other in nodes.Where(other => other != node))
            {
                node.Trust(other);
            }

            node.Start();
        }

        foreach (TestNode from in nodes)
        {
            foreach (TestNode to in nodes.Where(to => to != from))
            {
                from.Host.WaitForPing(to.Inner);
                from.Host.WaitForPing(to.Inner6);
            }
        }

        Wait.Until(TimeSpan.FromSeconds(20), "one connection per pair", () => nodes.All(node => node.Connections() == 2));
    }

    [Fact]
    public void TwoNetworks_OfTwoNodes_ShareOneConnectionAndNothingElse()
    {
        (TestNode one, TestNode two) = StartWithTwoNetworks();

        Wait.Until(TimeSpan.FromSeconds(20), "one connection", () => one.Connections() == 1 && two.Connections() == 1);

        long corp = two.Host.PacketsFromTunnel(TestNode.Interface);
        long lab = two.Host.PacketsFromTunnel(LabInterface);
        int answered = one.Host.Pings(20, "10.43.0.2").Answered;
        Assert.InRange(answered, 1, 20);
        Assert.Equal(corp, two.Host.PacketsFromTunnel(TestNode.Interface));
        Assert.InRange(two.Host.PacketsFromTunnel(LabInterface), lab + answered, lab + 20);

        lab = two.Host.PacketsFromTunnel(LabInterface);
        answered = one.Host.Pings(20, two.Inner).Answered;
        Assert.InRange(answered, 1, 20);
        Assert.InRange(two.Host.PacketsFromTunnel(TestNode.Interface), corp + answered, corp + 20);
        Assert.Equal(lab, two.Host.PacketsFromTunnel(LabInterface));
    }

    [Fact]
    public void TwoNetworks_PacketForTheOtherNetworkAtTheWrongInterface_NeverArrives()
    {
        (TestNode one, TestNode two) = StartWithTwoNetworks();
        one.Host.WaitForPing(two.Inner);
        long corp = two.Host.PacketsFromTunnel(TestNode.Interface);
        long lab = two.Host.PacketsFromTunnel(LabInterface);
        long noRoute = one.Drops("outNoRoute");

        // To an address of corp by the interface of lab; and from an address of corp to one of lab.
        one.Host.Run("ping", "-n", "-c", "5", "-i", "0.1", "-W", "1", "-I", LabInterface, two.Inner);
        Outcome wrongSource = one.Host.Run("ping", "-n", "-c", "5", "-i", "0.1", "-W", "1", "-I", one.Inner, "10.43.0.2");

        Assert.Equal(1, wrongSource.ExitCode);
        Assert.Equal(corp, two.Host.PacketsFromTunnel(TestNode.Interface));
        Assert.Equal(lab, two.Host.PacketsFromTunnel(LabInterface));
        Assert.True(one.Drops("outNoRoute") >= noRoute + 5, one.Status().ToJsonString());
        Assert.True(two.Drops("inSourceNotOwned") > 0, two.Status().ToJsonString());
    }

    [Theory]
    [InlineData("10.42.0.77", "10.42.0.2")]
    [InlineData("192.0.2.99", "10.42.0.2")]
    [InlineData("fd42::77", "fd42::2")]
    public void Packet_FromASourceThatItsSenderDoesNotOwn_NeverArrives(string source, string destination)
    {
        (TestNode one, TestNode two) = StartPair();
        one.Host.WaitForPing(destination);
        string foreign = source + (source.Contains(':', StringComparison.Ordinal) ? "/128" : "/32");
        one.Host.Ip("address", "add", foreign, "dev", TestNode.Interface);
        long arrived = two.Host.PacketsFromTunnel(TestNode.Interface);
        long dropped = two.Drops("inSourceNotOwned");

        Outcome ping = one.Host.Run("ping", "-n", "-c", "10", "-i", "0.05", "-W", "1", "-I", source, destination);

        Assert.Equal(1, ping.ExitCode);
        Assert.Equal(arrived, two.Host.PacketsFromTunnel(TestNode.Interface));
        Assert.InRange(two.Drops("inSourceNotOwned"), dropped + 1, dropped + 10);
        one.Host.Ip("address", "delete", foreign, "dev", TestNode.Interface);
        Assert.True(one.Host.CanPing(destination));
    }

    [Fact]
    public void Underlay_WithIPv6Only_CarriesBothFamilies()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        one.Host.Ip("-4", "address", "flush", "dev", "wire");
        two.Host.Ip("-4", "address", "flush", "dev", "wire");

        new ConfigBuilder(one).PeerAt(two, $"[{two.Host.Address6}]:{TestNode.Port}").Corp().Start();
        new ConfigBuilder(two).PeerAt(one, $"[{one.Host.Address6}]:{TestNode.Port}").Corp().Start();

        one.Host.WaitForPing(two.Inner);
        two.Host.WaitForPing(one.Inner6);
        Assert.StartsWith($"[{two.Host.Address6}]", one.PeerOf(two)!["address"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public void Peer_WithAHostNameAsAddress_IsResolvedAndDialed()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        using HostsFile hosts = new(one.Host, $"{two.Host.Address} two.example.org\n");
        new ConfigBuilder(two).PeerAt(one, address: null).Corp().Start();

        new ConfigBuilder(one).PeerAt(two, $"two.example.org:{TestNode.Port}").Corp().Start();

        one.Host.WaitForPing(two.Inner);
    }

    [Fact]
    public void Peer_WhoseNameDoesNotResolve_IsExplainedAndFoundLater()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        using HostsFile hosts = new(one.Host, "127.0.0.1 localhost\n");
        new ConfigBuilder(two).PeerAt(one, address: null).Corp().Start();
        new ConfigBuilder(one).PeerAt(two, $"two.example.org:{TestNode.Port}").Corp().Start();

        Wait.Until(TimeSpan.FromSeconds(15), "it says that the name does not resolve", () =>
            one.PeerOf(two)!["reason"]?.GetValue<string>().Contains("two.example.org does not resolve", StringComparison.Ordinal) == true);
        hosts.Append($"{two.Host.Address} two.example.org\n");

        Wait.Until(TimeSpan.FromSeconds(60), "it is connected", () => one.StateOf(two) == "connected");
    }

    [Fact]
    public void AutomaticAddress_ThatAnotherNodeHas_MovesOnAndIsRemembered()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        string[] automatic = ["prefix = \"10.44.0.0/24\"", "address = \"auto\""];
        new ConfigBuilder(two).PeerAt(one, address: null).Network(TestNode.Network, automatic).Start();
        string wanted = two.AddressesIn(TestNode.Network)[0];
        two.Stop();
        Assert.Equal(wanted, new ConfigBuilder(two).PeerAt(one, address: null).Network(TestNode.Network, automatic).Start().AddressesIn(TestNode.Network)[0]);

        new ConfigBuilder(one).Peer(two).Network(TestNode.Network, automatic[0], $"address = \"{wanted}\"").Start();
        Wait.Until(TimeSpan.FromSeconds(20), "the automatic address moves", () => two.AddressesIn(TestNode.Network)[0] != wanted);
        string taken = two.AddressesIn(TestNode.Network)[0];

        one.Host.WaitForPing(taken);
        two.Host.WaitForPing(wanted);
        Assert.Contains(taken + "/", two.Host.Ip("-o", "address", "show", "dev", TestNode.Interface), StringComparison.Ordinal);
        Assert.DoesNotContain(wanted + "/", two.Host.Ip("-o", "address", "show", "dev", TestNode.Interface), StringComparison.Ordinal);

        two.Stop();
        Assert.Contains("\"10.44.0.0/24\": ", File.ReadAllText(Path.Combine(two.Folder, "state", "addresses.json")), StringComparison.Ordinal);
        one.Stop();
        two.Launch();
        two.WaitUntilItAnswers();
        Assert.Equal(taken, two.AddressesIn(TestNode.Network)[0]);
    }

    private (TestNode One, TestNode Two) StartPair()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        one.Trust(two).Start();
        two.Trust(one).Start();
        return (one, two);
    }

    private (TestNode One, TestNode Two) StartWithTwoNetworks()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        Start(one, two, "10.43.0.1");
        Start(two, one, "10.43.0.2");
        one.Host.WaitForPing(two.Inner);
        one.Host.WaitForPing("10.43.0.2");
        return (one, two);

        static void Start(TestNode node, TestNode peer, string labAddress) => new ConfigBuilder(node)
            .Peer(peer, $"networks = [\"{TestNode.Network}\", \"{Lab}\"]")
            .Corp()
            .Network(Lab, "prefix = \"10.43.0.0/24\"", $"address = \"{labAddress}\"")
            .Start();
    }
}
