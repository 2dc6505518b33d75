using System.Net;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Two routers announce the same subnet to a third node.</summary>
public sealed class RouteChoiceTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly IPNetwork Lan = IPNetwork.Parse("192.168.20.0/24");

    [Fact]
    public void Router_KilledAndRevivedTenTimes_RouteMovesOnceAwayAndOnceBackEachTime()
    {
        using var sim = new SimNetwork(1);
        var (a, better, other) = Add(sim, 10, 20);
        sim.Run(20 * Second);
        Assert.Equal("better", Via(a));
        var before = Moves(a);

        for (var round = 1; round <= 10; round++)
        {
            better.Kill();
            Assert.NotNull(sim.Await(() => Via(a) == "other", 40 * Second));
            sim.Run(10 * Second);
            better.Boot();
            Assert.NotNull(sim.Await(() => Via(a) == "better", 60 * Second));
            sim.Run(20 * Second);
            Assert.Equal(before + (2 * round), Moves(a));
        }

        a.Send(0, TestPacket.Udp("10.42.0.1", "192.168.20.7"));
        sim.Run(Second);
        Assert.Single(better.Delivered);
        Assert.Empty(other.Delivered);
    }

    [Fact]
    public void Router_Leaves_TheOtherCarriesAtOnceAndStandingsAreTold()
    {
        using var sim = new SimNetwork(1);
        var (a, better, other) = Add(sim, 10, 20);
        sim.Run(20 * Second);
        var routes = a.Snapshot.Networks[0].Routes.Where(route => route.Prefix == Prefix.FromIPNetwork(Lan)).ToDictionary(route => route.Peer);
        Assert.Contains("smallest metric", routes[better.Id].Why, StringComparison.Ordinal);
        Assert.True(routes[other.Id].IsStandBy);
        Assert.Equal("stand-by: another peer has a smaller metric", routes[other.Id].Why);
        Assert.Equal(0, a.Peer("other").RoutesRefused);

        better.Node!.Goodbye(sim.Now);
        better.Node.Flush(sim.Now);
        Assert.NotNull(sim.Await(() => Via(a) == "other", Second));
        a.Send(0, TestPacket.Udp("10.42.0.1", "192.168.20.7"));
        sim.Run(Second);

        Assert.Single(other.Delivered);
    }

    [Fact]
    public void Router_FasterByMoreThanTheMargin_GetsTheRouteAfterAWhileAndKeepsIt()
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(20), Jitter = TimeSpan.FromMilliseconds(2) };
        var (a, better, _) = Add(sim, 10, 10);
        sim.SetLinks(a, better, new SimLink { Delay = TimeSpan.FromMilliseconds(60) });
        sim.Run(60 * Second);
        Assert.Equal("other", Via(a));
        var before = Moves(a);

        sim.Run(TimeSpan.FromMinutes(30));
        Assert.Equal(before, Moves(a));

        sim.SetLinks(a, better, new SimLink { Delay = TimeSpan.FromMilliseconds(2) });
        Assert.NotNull(sim.Await(() => Via(a) == "better", TimeSpan.FromMinutes(5)));
        sim.Run(TimeSpan.FromMinutes(30));
        Assert.Equal(before + 1, Moves(a));
    }

    [Fact]
    public void Routers_EquallyFast_RouteStaysWhereItIs()
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(20), Jitter = TimeSpan.FromMilliseconds(4) };
        var (a, _, _) = Add(sim, 10, 10);
        sim.Run(20 * Second);
        var before = Moves(a);

        sim.Run(TimeSpan.FromHours(2));

        Assert.Equal(before, Moves(a));
    }

    [Fact]
    public void Router_ChangesItsMetric_RouteMoves()
    {
        using var sim = new SimNetwork(1);
        var (a, _, other) = Add(sim, 10, 20);
        sim.Run(20 * Second);
        Assert.Equal("better", Via(a));

        other.Apply(config => config with { Networks = [config.Networks[0] with { Metric = 5 }] });
        sim.Run(Second);

        Assert.Equal("other", Via(a));
    }

    [Fact]
    public void Route_ToALinkOfTheHost_IsRefusedToldOnceAndTakenWhenTheLinkIsGone()
    {
        using var sim = new SimNetwork(1);
        var (a, _, _) = Add(sim, 10, 20);
        sim.Run(20 * Second);
        Assert.Equal("better", Via(a));

        a.Node!.OnLocalPrefixes([Local("192.168.0.0/16", "eth0", isOnLink: true)], sim.Now);
        sim.Run(TimeSpan.FromMinutes(10));

        Assert.Null(Via(a));
        var refused = a.Snapshot.Networks[0].Routes.Where(route => route.Source == RouteSource.Announced).ToList();
        Assert.Equal(2, refused.Count);
        Assert.All(refused, route => Assert.Equal(RouteVerdict.LocalPrefix, route.Verdict));
        Assert.Contains("192.168.0.0/16 away from eth0", refused[0].Why, StringComparison.Ordinal);
        Assert.Equal(2, a.Logger.Lines.Count(line => line.Contains("away from eth0", StringComparison.Ordinal)));
        Assert.Equal((1, 1), (a.Peer("better").RoutesRefused, a.Peer("other").RoutesRefused));

        a.Node.OnLocalPrefixes([], sim.Now);
        Assert.Equal("better", Via(a));
    }

    [Fact]
    public void Route_WiderThanALinkOfTheHost_IsUsedAndTheConflictTold()
    {
        using var sim = new SimNetwork(1);
        var (a, _, _) = Add(sim, 10, 20);
        a.Node!.OnLocalPrefixes([Local("192.168.20.128/25", "eth0", isOnLink: true), Local("192.168.0.0/16", "eth1", isOnLink: false)], sim.Now);
        sim.Run(20 * Second);

        Assert.Equal("better", Via(a));
        Assert.Contains(a.Snapshot.Networks[0].Routes, route => route.IsUsed && route.Conflict == "eth0 keeps 192.168.20.128/25");
    }

    [Fact]
    public void Route_IntoAnotherNetworkOfThisNode_IsRefused()
    {
        using var sim = new SimNetwork(1);
        var (a, _, _) = Add(sim, 10, 20);
        a.Apply(config => config with { Networks = [config.Networks[0], SimNetwork.Network("lab", 1, "192.168.20", "fd20::")] });
        sim.Run(20 * Second);

        Assert.Null(Via(a));
        Assert.Contains(a.Snapshot.Networks[0].Routes, route => route.Why.Contains("network lab", StringComparison.Ordinal));
    }

    [Fact]
    public void Route_ThatCoversAPeersAddress_IsGuardedInTheHostsState()
    {
        using var sim = new SimNetwork(1);
        var (a, _, _) = Add(sim, 10, 20);
        sim.Run(20 * Second);

        Assert.Contains(a.Node!.DesiredHostState().Links[0].Routes, route => route.Destination.Equals(Lan) && route.IsGuarded);

        // The host's own wider route would go before a guarded one; this one leads nowhere near a peer.
        a.Node.OnLocalPrefixes([Local("192.168.0.0/16", "eth1", isOnLink: false)], sim.Now);
        Assert.Contains(a.Node.DesiredHostState().Links[0].Routes, route => route.Destination.Equals(Lan) && !route.IsGuarded);
    }

    private static LocalPrefix Local(string prefix, string where, bool isOnLink) => new(Prefix.FromIPNetwork(IPNetwork.Parse(prefix)), where, isOnLink);

    private static (SimHost Node, SimHost Better, SimHost Other) Add(SimNetwork sim, uint betterMetric, uint otherMetric)
    {
        var a = sim.AddHost(
            "a",
            1,
            TestIdentity.Get("a"),
            config => config with { Peers = [.. config.Peers.Select(peer => peer with { AllowRoutes = [IPNetwork.Parse("192.168.0.0/16")] })] },
            new SimPeer("better", 2),
            new SimPeer("other", 3));
        return (a, Router("better", 2, betterMetric), Router("other", 3, otherMetric));

        SimHost Router(string name, int number, uint metric) => sim.AddHost(
            name,
            number,
            TestIdentity.Get(name),
            config => config with { Networks = [config.Networks[0] with { Routes = [Lan], Metric = metric }] },
            new SimPeer("a"));
    }

    private static string? Via(SimHost node)
    {
        var used = node.Snapshot.Networks[0].Routes.FirstOrDefault(route => route.IsUsed && route.Prefix == Prefix.FromIPNetwork(Lan));
        return used is null ? null : node.Snapshot.Peers.Single(peer => peer.Id == used.Peer).Name;
    }

    private static int Moves(SimHost node) => node.Logger.Lines.Count(line => line.Contains("goes to peer", StringComparison.Ordinal));
}
