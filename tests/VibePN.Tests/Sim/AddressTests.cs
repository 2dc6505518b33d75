using System.Net;
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Who may have which address, and what is remembered of it.</summary>
public sealed class AddressTests
{
    private static readonly TimeSpan TenSeconds = TimeSpan.FromSeconds(10);

    [Fact]
    public void TwoNodes_AutomaticAddressThatTheOtherHasConfigured_AutomaticMoves()
    {
        using var sim = new SimNetwork(1);
        var (small, large) = InOrder("a", "b");
        var a = sim.AddHost(small, 1, TestIdentity.Get(small), Automatic, new SimPeer(large, 2));
        var b = sim.AddHost(large, 2, TestIdentity.Get(large), config => Configured(config, AddressOf(a)), new SimPeer(small));
        Assert.NotNull(sim.RunUntil(() => IsUp(a, large) && IsUp(b, small), TenSeconds));
        sim.Run(TimeSpan.FromSeconds(2));

        // The configured one stays, so the automatic one makes way although its id is smaller: it was told.
        Assert.NotEqual(AddressOf(a), AddressOf(b));
        a.Send(0, TestPacket.Udp(AddressOf(a).ToString(), AddressOf(b).ToString()));
        sim.Run(TimeSpan.FromSeconds(1));
        Assert.Single(b.Delivered);
    }

    [Fact]
    public void TwoAutomaticNodes_SameAddress_OnlyTheLargerIdMoves()
    {
        using var sim = new SimNetwork(1);
        var (small, large) = InOrder("a", "b");
        var prefix = PrefixWithConflict(small, large);
        var a = sim.AddHost(small, 1, TestIdentity.Get(small), config => WithPrefix(config, prefix), new SimPeer(large, 2));
        var b = sim.AddHost(large, 2, TestIdentity.Get(large), config => WithPrefix(config, prefix), new SimPeer(small));
        var before = AddressOf(a);
        Assert.Equal(before, AddressOf(b));

        Assert.NotNull(sim.RunUntil(() => IsUp(a, large) && IsUp(b, small), TenSeconds));
        sim.Run(TimeSpan.FromSeconds(2));

        Assert.Equal(before, AddressOf(a));
        Assert.NotEqual(before, AddressOf(b));
        a.Send(0, TestPacket.Udp(AddressOf(a).ToString(), AddressOf(b).ToString()));
        sim.Run(TimeSpan.FromSeconds(1));
        Assert.Single(b.Delivered);

        var after = AddressOf(b);
        b.Kill();
        b.Boot();
        Assert.Equal(after, AddressOf(b));
    }

    [Fact]
    public void ThirdNode_ClaimsTheAddressOfOneWhoIsAway_RefusedAndTold()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, new SimPeer("x"), new SimPeer("y"));
        var x = sim.AddHost("x", 2, new SimPeer("hub", 1));
        sim.RunUntil(() => IsUp(hub, "x"), TenSeconds);
        sim.Run(TimeSpan.FromSeconds(1));
        x.Kill();
        sim.Run(TimeSpan.FromSeconds(60));
        Assert.False(IsUp(hub, "x"));

        hub.Kill();
        hub.Boot();
        var y = sim.AddHost("y", 3, TestIdentity.Get("y"), config => Configured(config, IpKey.FromIPAddress(IPAddress.Parse("10.42.0.2"))), new SimPeer("hub", 1));
        sim.RunUntil(() => IsUp(hub, "y"), TenSeconds);
        sim.Run(TimeSpan.FromSeconds(1));

        Assert.Contains(hub.Snapshot.Networks[0].Routes, route => route.Verdict == RouteVerdict.AddressRemembered);
        Assert.Contains(y.Logger.Lines, line => line.Contains("belongs to another node", StringComparison.Ordinal));

        x.Boot();
        sim.RunUntil(() => IsUp(hub, "x"), TenSeconds);
        sim.Run(TimeSpan.FromSeconds(1));
        hub.Delivered.Clear();
        x.Send(0, TestPacket.Udp("10.42.0.2", "10.42.0.1"));
        sim.Run(TimeSpan.FromSeconds(1));
        Assert.Single(hub.Delivered);
    }

    [Fact]
    public void Address_OfAnEntryWhosePeerWasNeverHere_RefusedToOthersAndTold()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, TestIdentity.Get("hub"), config => config with { Peers = [Listing(config.Peers[0], "10.42.0.2"), config.Peers[1]] }, new SimPeer("x"), new SimPeer("y"));
        var y = sim.AddHost("y", 3, TestIdentity.Get("y"), config => Configured(config, IpKey.FromIPAddress(IPAddress.Parse("10.42.0.2"))), new SimPeer("hub", 1));
        sim.RunUntil(() => IsUp(hub, "y"), TenSeconds);
        sim.Run(TimeSpan.FromSeconds(1));

        var refused = Assert.Single(hub.Snapshot.Networks[0].Routes, route => route.Verdict == RouteVerdict.AddressReserved);
        Assert.Equal("address reserved for another peer, whose entry lists it", refused.Why);
        Assert.Equal(1, hub.Peer("y").RoutesRefused);
        Assert.Contains(y.Logger.Lines, line => line.Contains("belongs to another node", StringComparison.Ordinal));

        sim.AddHost("x", 2, new SimPeer("hub", 1));
        sim.RunUntil(() => IsUp(hub, "x"), TenSeconds);
        sim.Run(TimeSpan.FromSeconds(1));
        Assert.Contains(hub.Snapshot.Networks[0].Routes, route => route.IsUsed && route.Prefix.First == IpKey.FromIPAddress(IPAddress.Parse("10.42.0.2")));
        Assert.Contains(hub.Snapshot.Networks[0].Routes, route => route.Verdict == RouteVerdict.AddressReserved);
    }

    [Fact]
    public void Address_OfALiveOwner_IsInUseAndOfOneWhoLeftRemembered()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, new SimPeer("x"), new SimPeer("y"));
        var x = sim.AddHost("x", 2, new SimPeer("hub", 1));
        sim.RunUntil(() => IsUp(hub, "x"), TenSeconds);
        var y = sim.AddHost("y", 3, TestIdentity.Get("y"), config => Configured(config, IpKey.FromIPAddress(IPAddress.Parse("10.42.0.2"))), new SimPeer("hub", 1));
        sim.RunUntil(() => IsUp(hub, "y"), TenSeconds);
        sim.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(RouteVerdict.AddressInUse, Verdict());

        x.Kill();
        sim.Run(TimeSpan.FromSeconds(35));
        Assert.False(IsUp(hub, "x"));
        Assert.Equal(RouteVerdict.AddressRemembered, Verdict());

        x.Boot();
        sim.RunUntil(() => IsUp(hub, "x"), TenSeconds);
        sim.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(RouteVerdict.AddressInUse, Verdict());

        RouteVerdict Verdict() => hub.Snapshot.Networks[0].Routes.Single(route => route.Peer == y.Id && route.Prefix.ToString() == "10.42.0.2/32").Verdict;
    }

    [Fact]
    public void Routes_RefusedToAPeer_StayInSightAfterItsConnection()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, new SimPeer("raw"));
        var raw = new RawPeer(sim, "raw", 66);
        raw.Join(hub, "corp", "10.42.0.0/24", 9, "10.42.0.1", "10.42.0.66");
        raw.Connection!.Close((ulong)CloseReason.Goodbye, "gone");
        sim.Run(TimeSpan.FromSeconds(1));

        var kept = Assert.Single(hub.Snapshot.Networks[0].Routes);
        Assert.True(kept is { IsFormer: true, IsUsed: false, Verdict: RouteVerdict.OwnAddress });
        Assert.Equal(1, hub.Peer("raw").RoutesRefused);

        raw.Join(hub, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        Assert.True(Assert.Single(hub.Snapshot.Networks[0].Routes).IsUsed);
        Assert.Equal(1, hub.Peer("raw").RoutesRefused);
    }

    [Fact]
    public void Peer_ThatCausesManyLines_RestIsCountedAndToldAtTheEndOfTheMinute()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, new SimPeer("raw"));
        var raw = new RawPeer(sim, "raw", 66);
        raw.Join(hub, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        for (var i = 0; i < 50; i++)
        {
            raw.Say(new PeerError(CloseReason.None, $"noise {i}"));
        }

        sim.Run(TimeSpan.FromSeconds(1));
        Assert.DoesNotContain(hub.Logger.Lines, line => line.Contains("left out", StringComparison.Ordinal));
        sim.Run(TimeSpan.FromMinutes(3));

        // That it is connected is one of them.
        Assert.Equal(Limits.LogLinesPerPeerAndMinute - 1, hub.Logger.Lines.Count(line => line.Contains("noise", StringComparison.Ordinal)));
        Assert.Single(hub.Logger.Lines, line => line.Contains("31 more lines about peer raw were left out", StringComparison.Ordinal));
        Assert.Single(hub.Logger.Lines, line => line.Contains("left out", StringComparison.Ordinal));
    }

    private static PeerConfig Listing(PeerConfig entry, string address) => entry with { Addresses = [IPAddress.Parse(address)] };

    private static NodeConfig Automatic(NodeConfig config) => config with
    {
        Networks = [config.Networks[0] with { Addresses = [null, config.Networks[0].Addresses[1]] }],
    };

    private static NodeConfig Configured(NodeConfig config, IpKey address) => config with
    {
        Networks = [config.Networks[0] with { Addresses = [address.ToIPAddress(), config.Networks[0].Addresses[1]] }],
    };

    private static NodeConfig WithPrefix(NodeConfig config, IPNetwork prefix) => config with
    {
        Networks = [config.Networks[0] with { Prefixes = [prefix], Addresses = [null] }],
    };

    private static (string Small, string Large) InOrder(string a, string b) =>
        TestIdentity.Get(a).Node.Id.CompareTo(TestIdentity.Get(b).Node.Id) < 0 ? (a, b) : (b, a);

    /// <summary>A /28 in which both would choose the same address first.</summary>
    private static IPNetwork PrefixWithConflict(string a, string b)
    {
        for (var i = 0; i < 256; i++)
        {
            var prefix = new IPNetwork(new IPAddress([10, 42, (byte)i, 0]), 28);
            uint first = 0;
            uint second = 0;
            if (AutoAddress.Next("corp", prefix, TestIdentity.Get(a).Node.Id, ref first)
                .Equals(AutoAddress.Next("corp", prefix, TestIdentity.Get(b).Node.Id, ref second)))
            {
                return prefix;
            }
        }

        throw new InvalidOperationException("no conflict in 256 prefixes");
    }

    private static IpKey AddressOf(SimHost host) => host.Snapshot.Networks[0].OwnAddresses[0];

    private static bool IsUp(SimHost host, string peer) => host.Peer(peer).Condition == PeerCondition.Up;
}
