using System.Net;
using VibePN.Linux;
using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>What the host is told of packet sizes: the interface's MTU, and that of routes to peers that carry less.</summary>
public sealed class PathSizeTests
{
    /// <summary>A datagram's packet without tag and flags: 31 bytes of QUIC, 2 of ours.</summary>
    private const int OverheadBytes = 33;

    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(1232, 1280, 1199)]
    [InlineData(1252, 1280, 1219)]
    [InlineData(1372, 1339, null)]
    [InlineData(1472, 1439, null)]
    [InlineData(8972, 8939, null)]
    public void Interface_OnePeer_FollowsItsPathAndRoutesSayWhatIsLess(int pathBytes, int interfaceMtu, int? routeMtu)
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { MaxUdpBytes = pathBytes };
        var (a, _) = AddPair(sim);
        Assert.Equal(NodeNetwork.DefaultMtuBytes, Link(a).Mtu);

        sim.Run(Settled);

        Assert.Equal(pathBytes - OverheadBytes, a.Peer("b").MtuBytes);
        Assert.Equal(interfaceMtu, Link(a).Mtu);
        Assert.Equal(interfaceMtu, a.Snapshot.Networks[0].MtuBytes);
        Assert.Equal(routeMtu is { } mtu ? [new RouteState(IPNetwork.Parse("10.42.0.2/32"), mtu)] : [], Link(a).Routes);
    }

    [Fact]
    public void Interface_PeersOfSeveralSizes_HasTheLargestAndTheOthersGetRoutes()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2), new SimPeer("c", 3), new SimPeer("d", 4));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        var c = sim.AddHost("c", 3, new SimPeer("a"));
        var d = sim.AddHost("d", 4, new SimPeer("a"));
        sim.SetLinks(a, b, new SimLink { MaxUdpBytes = 8972 });
        sim.SetLinks(a, c, new SimLink { MaxUdpBytes = 1472 });
        sim.SetLinks(a, d, new SimLink { MaxUdpBytes = 1252 });
        sim.Run(Settled);

        Assert.Equal(8939, Link(a).Mtu);
        Assert.Equal(1439, Link(c).Mtu);
        Assert.Equal(
            ["10.42.0.3/32 1439", "10.42.0.4/32 1219", "fd42::3/128 1439", "fd42::4/128 1280"],
            Link(a).Routes.Select(route => $"{route.Destination} {route.Mtu}").Order(StringComparer.Ordinal));

        // The largest leaves for a while: nothing changes for those who stay.
        b.Kill();
        sim.Run(TimeSpan.FromMinutes(2));
        Assert.Equal(8939, Link(a).Mtu);
        b.Boot();
        sim.Run(Settled);
        Assert.Equal(8939, Link(a).Mtu);
    }

    [Fact]
    public void Interface_ConfiguredMtu_StaysAndRoutesFollow()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = AddPair(sim);
        a.Apply(config => config with { Networks = [config.Networks[0] with { Mtu = 4000 }] });
        sim.Run(Settled);

        Assert.Equal(4000, Link(a).Mtu);
        Assert.Equal([1439, 1439], Link(a).Routes.Select(route => route.Mtu));
        Assert.Equal(1439, Link(b).Mtu);
    }

    [Fact]
    public void Packets_LargerThanTheReceiversInterface_AreTaken()
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { MaxUdpBytes = 8972 };
        var (a, b) = AddPair(sim);
        b.Apply(config => config with { Networks = [config.Networks[0] with { Mtu = 1280 }] });
        sim.Run(Settled);

        a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2", 8000));
        sim.Run(TimeSpan.FromSeconds(1));

        Assert.Equal(1280, Link(b).Mtu);
        Assert.Equal(8028, Assert.Single(b.Delivered).Packet.Length);
    }

    [Theory]
    [InlineData(1472, 1272, 1280, 1219)]
    [InlineData(8972, 1472, 1439, null)]
    public void Path_ShrinksUnderLoadAndGrowsAgain_HostFollowsWithoutFlapping(int before, int after, int interfaceMtu, int? routeMtu)
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { MaxUdpBytes = before };
        var (a, b) = AddPair(sim);
        sim.Run(Settled);
        Assert.Equal(before - OverheadBytes, Link(a).Mtu);
        var version = a.Node!.HostStateVersion;
        sim.SetLinks(a, b, new SimLink { MaxUdpBytes = after });

        // Not at once: fragments and ICMP bridge the time.
        Load(sim, a, before - OverheadBytes, seconds: 2);
        Assert.Equal(before - OverheadBytes, Link(a).Mtu);
        Assert.Equal(1, a.Peer("b").Quic!.Value.BlackHoles);
        Load(sim, a, before - OverheadBytes, seconds: 10);
        Assert.Equal(interfaceMtu, Link(a).Mtu);
        Assert.Equal(routeMtu, Link(a).Routes.Count == 0 ? null : Link(a).Routes[0].Mtu);
        Assert.Equal(version + 1, a.Node!.HostStateVersion);

        sim.SetLinks(a, b, new SimLink { MaxUdpBytes = before });
        Load(sim, a, 1000, seconds: 60);
        Assert.Equal(before - OverheadBytes, Link(a).Mtu);
        Assert.Empty(Link(a).Routes);
        Assert.InRange(a.Node!.HostStateVersion, version + 2, version + 5);
    }

    [Fact]
    public void HostState_AnHourOnALossyLine_ChangesOnce()
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { Loss = 0.05, Jitter = TimeSpan.FromMilliseconds(5) };
        var (a, _) = AddPair(sim);
        sim.Run(Settled);
        var version = a.Node!.HostStateVersion;
        for (var i = 0; i < 3600; i++)
        {
            a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2", 1300));
            sim.Run(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(version, a.Node!.HostStateVersion);
    }

    [Fact]
    public void InnerDscpAndEcn_EveryValueBothFamilies_CrossUnchanged()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = AddPair(sim);
        sim.Run(TimeSpan.FromSeconds(2));
        var sent = new List<byte[]>();
        for (var value = 0; value < 256; value++)
        {
            var v4 = TestPacket.Udp("10.42.0.1", "10.42.0.2");
            v4[1] = (byte)value;
            var v6 = TestPacket.Udp("fd42::1", "fd42::2");
            v6[0] = (byte)(0x60 | (value >> 4));
            v6[1] = (byte)(value << 4);
            sent.AddRange([v4, v6]);
            a.Send(0, v4);
            a.Send(0, v6);
            sim.Run(TimeSpan.FromMilliseconds(20));
        }

        Assert.Equal(sent, b.Delivered.Select(delivered => delivered.Packet));
    }

    [Fact]
    public void SteadySize_AnyChanges_HoldsBeforeItFollows()
    {
        const ulong Second = 1_000_000_000;
        var size = default(SteadySize);
        Assert.True(size.Observe(1400, Second));
        Assert.Equal(ulong.MaxValue, size.DueNanos);

        Assert.False(size.Observe(1200, 2 * Second));
        Assert.Equal((2 * Second) + SteadySize.ShrinkAfterNanos, size.DueNanos);
        Assert.False(size.Observe(1300, 3 * Second));
        Assert.False(size.Observe(1300, size.DueNanos - 1));
        Assert.True(size.Observe(1300, size.DueNanos));
        Assert.Equal(1300, size.Bytes);

        Assert.False(size.Observe(9000, 20 * Second));
        Assert.False(size.Observe(1300, 21 * Second));
        Assert.Equal(ulong.MaxValue, size.DueNanos);
        Assert.False(size.Observe(9000, 22 * Second));
        Assert.True(size.Observe(9000, (22 * Second) + SteadySize.GrowAfterNanos));
    }

    private static (SimHost A, SimHost B) AddPair(SimNetwork sim) =>
        (sim.AddHost("a", 1, new SimPeer("b", 2)), sim.AddHost("b", 2, new SimPeer("a")));

    private static LinkState Link(SimHost host) => host.Node!.DesiredHostState().Links[0];

    private static void Load(SimNetwork sim, SimHost from, int packetBytes, int seconds)
    {
        for (var i = 0; i < seconds * 100; i++)
        {
            from.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2", (i % 5 == 0 ? 100 : packetBytes) - 28));
            sim.Run(TimeSpan.FromMilliseconds(10));
        }
    }
}
