using System.Net;
using VibePN.Config;
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
