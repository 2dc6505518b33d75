using System.Net;
using VibePN.Control;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Announced routes end with their lifetime unless they are announced again.</summary>
public sealed class RouteLifetimeTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly Prefix Lan = Prefix.FromIPNetwork(IPNetwork.Parse("192.168.20.0/24"));

    [Theory]
    [InlineData(1u)]
    [InlineData(30u)]
    [InlineData(86_400u)]
    public void Route_NotRefreshed_LivesForItsLifetimeAndNoSecondMore(uint lifetime)
    {
        using var sim = new SimNetwork(1);
        var (a, peer) = Joined(sim);
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, lifetime)]));

        sim.Run(lifetime * Second);
        Assert.Contains(a.Snapshot.Networks[0].Routes, route => route.Prefix == Lan && route.IsUsed);

        sim.Run(Second);
        Assert.DoesNotContain(a.Snapshot.Networks[0].Routes, route => route.Prefix == Lan);
        peer.Datagrams.Clear();
        a.Send(0, TestPacket.Udp("10.42.0.1", "192.168.20.7"));
        sim.Run(Second);
        Assert.Empty(peer.Datagrams);
        Assert.Equal(PeerCondition.Up, a.Peer("router").Condition);
    }

    [Fact]
    public void Route_RefreshedBeforeItsEnd_IsUsedThroughoutAndChangesNothing()
    {
        using var sim = new SimNetwork(1);
        var (a, peer) = Joined(sim);
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 10)]));
        // Until the size of the path is known, which changes the interface.
        sim.Run(8 * Second);
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 10)]));
        sim.Run(Second);
        var version = a.Node!.HostStateVersion;
        for (var i = 0; i < 20; i++)
        {
            sim.Run(9 * Second);
            peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 10)]));
            Assert.Contains(a.Snapshot.Networks[0].Routes, route => route.Prefix == Lan && route.IsUsed);
        }

        Assert.Equal(version, a.Node.HostStateVersion);
    }

    [Fact]
    public void Route_WithoutLifetime_LivesWithTheConnection()
    {
        using var sim = new SimNetwork(1);
        var (a, peer) = Joined(sim);
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 0)]));

        sim.Run(TimeSpan.FromHours(2));

        Assert.Contains(a.Snapshot.Networks[0].Routes, route => route.Prefix == Lan && route.IsUsed);
    }

    [Fact]
    public void Route_OfANetworkThatThePeerLeft_EndsAndDoesNotComeBackByItself()
    {
        using var sim = new SimNetwork(1);
        var (a, peer) = Joined(sim);
        var other = Prefix.FromIPNetwork(IPNetwork.Parse("192.168.21.0/24"));
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 0), new RouteOffer(other, 0, 0)]));
        sim.Run(Second);
        Assert.Equal(2, a.Snapshot.Networks[0].Routes.Count(route => route.IsUsed && route.Source == RouteSource.Announced));

        peer.SayNetworks();
        sim.Run(Second);
        Assert.Empty(a.Snapshot.Networks[0].Routes);

        // Whoever is in no network announces to nobody.
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 0)]));
        peer.SayNetworks(("corp", "10.42.0.0/24", 10, ["10.42.0.66"]));
        sim.Run(Second);
        Assert.DoesNotContain(a.Snapshot.Networks[0].Routes, route => route.Prefix == Lan);
        sim.Run(60 * Second);
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 0)]));
        sim.Run(Second);
        Assert.Equal(Lan, Assert.Single(a.Snapshot.Networks[0].Routes, route => route.Source == RouteSource.Announced).Prefix);
        Assert.Null(peer.Closed);
    }

    [Fact]
    public void Route_OfAPeerThatCameBack_HasNoLifetimeOfBefore()
    {
        using var sim = new SimNetwork(1);
        var (a, peer) = Joined(sim);
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 10)]));
        sim.Run(Second);
        peer.Connection!.Close((ulong)CloseReason.Goodbye, "gone");
        sim.Run(Second);
        Assert.Empty(a.Snapshot.Networks[0].Routes);
        peer.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        peer.Say(new Announce("corp", [new RouteOffer(Lan, 0, 0)]));

        sim.Run(60 * Second);

        Assert.Contains(a.Snapshot.Networks[0].Routes, route => route.Prefix == Lan && route.IsUsed);
    }

    [Fact]
    public void Node_WithRoutes_AnnouncesThemWithALifetimeAndRefreshesWellBefore()
    {
        using var sim = new SimNetwork(1);
        var peer = new RawPeer(sim, "router", 66);
        var a = sim.AddHost(
            "a",
            1,
            TestIdentity.Get("a"),
            config => config with { Networks = [config.Networks[0] with { Routes = [IPNetwork.Parse("192.168.20.0/24")] }] },
            new SimPeer("router"));
        peer.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        var lifetime = Assert.Single(Assert.Single(peer.Messages.OfType<Announce>()).Routes).LifetimeSeconds;
        Assert.InRange(lifetime, 60u, 3600u);

        sim.Run(lifetime * 10 * Second);

        Assert.InRange(peer.Messages.OfType<Announce>().Count(), 21, 60);
    }

    [Fact]
    public void TwoNodes_AnHour_RouteStaysAndNothingFlaps()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost(
            "a",
            1,
            TestIdentity.Get("a"),
            config => config with { Networks = [config.Networks[0] with { Routes = [IPNetwork.Parse("192.168.20.0/24")] }] },
            new SimPeer("b", 2));
        var b = sim.AddHost(
            "b",
            2,
            TestIdentity.Get("b"),
            config => config with { Peers = [config.Peers[0] with { AllowRoutes = [IPNetwork.Parse("192.168.0.0/16")] }] },
            new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 10 * Second));
        sim.Run(10 * Second);
        var version = b.Node!.HostStateVersion;

        sim.Run(TimeSpan.FromHours(1));

        Assert.Equal(version, b.Node.HostStateVersion);
        Assert.Contains(b.Snapshot.Networks[0].Routes, route => route.Prefix == Lan && route.IsUsed);
    }

    private static (SimHost Node, RawPeer Peer) Joined(SimNetwork sim)
    {
        var a = sim.AddHost(
            "a",
            1,
            TestIdentity.Get("a"),
            config => config with { Peers = [config.Peers[0] with { AllowRoutes = [IPNetwork.Parse("192.168.0.0/16")] }] },
            new SimPeer("router"));
        var peer = new RawPeer(sim, "router", 66);
        peer.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        return (a, peer);
    }
}
