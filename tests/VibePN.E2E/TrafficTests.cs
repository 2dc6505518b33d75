using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

public sealed class TrafficTests(ConnectedPair pair) : IClassFixture<ConnectedPair>
{
    /// <summary>From which node, and over which family.</summary>
    public static TheoryData<bool, bool> Directions => new() { { true, false }, { false, false }, { true, true }, { false, true } };

    [Theory, MemberData(nameof(Directions))]
    public void Ping_ThroughTheTunnel_IsAnswered(bool fromOne, bool ipv6)
    {
        (TestNode from, TestNode to) = Ends(fromOne);

        (int sent, int answered) = from.Host.Pings(20, ipv6 ? to.Inner6 : to.Inner);

        Assert.True(answered >= sent - 4, $"{answered} of {sent} answered");
    }

    [Theory, MemberData(nameof(Directions))]
    public void Tcp_ThroughTheTunnel_MovesData(bool fromOne, bool ipv6)
    {
        (TestNode from, TestNode to) = Ends(fromOne);
        string address = ipv6 ? to.Inner6 : to.Inner;
        using RunningProgram server = to.Host.Start("iperf3", "--server", "--one-off", "--bind", address);
        Wait.Until(TimeSpan.FromSeconds(15), "iperf3 listens", () => to.Host.Run("ss", "-Hltn", "sport = :5201").Output.Length > 0);

        Outcome client = from.Host.Run("iperf3", "--client", address, "--time", "2", "--json");

        Assert.True(client.ExitCode == 0, client.ToString());
        double received = JsonNode.Parse(client.Output)!["end"]!["sum_received"]!["bits_per_second"]!.GetValue<double>();
        TestContext.Current.TestOutputHelper?.WriteLine($"{received / 1e6:F0} Mbit/s");
        Assert.True(received > 20e6, $"{received / 1e6:F1} Mbit/s");
    }

    [Theory, MemberData(nameof(Directions))]
    public void Ping_OfLargePackets_Arrives(bool fromOne, bool ipv6)
    {
        (TestNode from, TestNode to) = Ends(fromOne);

        Outcome ping = from.Host.Run("ping", "-n", "-c", "3", "-i", "0.1", "-W", "2", "-s", "4000", ipv6 ? to.Inner6 : to.Inner);

        Assert.True(ping.ExitCode == 0, ping.ToString());
    }

    [Fact]
    public void Packet_FromAnAddressThatThePeerDoesNotOwn_IsDroppedAndCounted()
    {
        TestNode one = pair.One, two = pair.Two;
        long before = Drops(one) + Drops(two);
        one.Host.Ip("address", "add", "10.42.0.77/32", "dev", TestNode.Interface);
        try
        {
            Outcome ping = one.Host.Run("ping", "-n", "-c", "8", "-i", "0.1", "-W", "1", "-I", "10.42.0.77", two.Inner);

            Assert.Equal(1, ping.ExitCode);
            Assert.True(Drops(one) + Drops(two) >= before + 2, one.Status().ToJsonString() + two.Status().ToJsonString());
        }
        finally
        {
            one.Host.Ip("address", "delete", "10.42.0.77/32", "dev", TestNode.Interface);
        }
    }

    [Fact]
    public void Connections_OfNodesThatDialEachOther_SettleOnOne()
    {
        Wait.Until(TimeSpan.FromSeconds(20), "one connection on each side", () =>
            pair.One.Status()["connections"]!.GetValue<int>() == 1 && pair.Two.Status()["connections"]!.GetValue<int>() == 1);

        Assert.Equal("connected", pair.One.StateOf(pair.Two));
        Assert.Equal("connected", pair.Two.StateOf(pair.One));
    }

    [Fact]
    public void Status_Json_HasWhatOperatorsNeed()
    {
        JsonNode status = pair.One.Status();

        Assert.Equal(pair.One.Identity.Fingerprint, status["id"]!.GetValue<string>());
        Assert.True(status["loop"]!["allocatedBytes"]!.GetValue<long>() >= 0);
        Assert.True(status["residentBytes"]!.GetValue<long>() > 1_000_000);
        Assert.NotEmpty(status["handshakes"]!.AsObject());
        Assert.NotNull(status["drops"]);
        Assert.StartsWith("1.", status["libraries"]!["ngtcp2"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.StartsWith("3.", status["libraries"]!["gnuTls"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.NotEmpty(status["packetProtection"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("status")]
    [InlineData("peers")]
    [InlineData("routes")]
    public void Command_ForPeople_NamesThePeerWithoutColour(string command)
    {
        Outcome outcome = pair.One.Control(command);

        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains(pair.Two.Name, outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\x1b', outcome.Output);
    }

    [Fact]
    public void Routes_OfAConnectedPeer_AreItsHostAddresses()
    {
        JsonArray routes = pair.One.Json("routes")["routes"]!.AsArray();

        Assert.Contains(routes, route => route!["prefix"]!.GetValue<string>() == pair.Two.Inner + "/32" && route["used"]!.GetValue<bool>());
        Assert.Contains(routes, route => route!["prefix"]!.GetValue<string>() == pair.Two.Inner6 + "/128" && route["used"]!.GetValue<bool>());
    }

    private static long Drops(TestNode node) => node.Status()["drops"]!.AsObject().Sum(drop => drop.Value!.GetValue<long>());

    private (TestNode From, TestNode To) Ends(bool fromOne) => fromOne ? (pair.One, pair.Two) : (pair.Two, pair.One);
}
