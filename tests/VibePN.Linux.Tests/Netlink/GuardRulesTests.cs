using System.Net;

namespace VibePN.Linux.Tests;

/// <summary>Against the kernel, in namespaces of their own.</summary>
public sealed class GuardRulesTests
{
    private static readonly InterfaceAddress _v4 = new(IPAddress.Parse("10.7.0.1"), 24);

    [Fact]
    public void Apply_GuardedRoutes_AreInTheirTableWithRulesAndGoAgain() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();
        Assert.Empty(Rules());

        network.Apply(State(tun, "0.0.0.0/0", "10.8.0.0/16"));
        network.Apply(State(tun, "0.0.0.0/0", "10.8.0.0/16"));
        Assert.Equal([(2, 12_341u), (2, 12_342u)], Rules());
        Assert.Equal(2, network.Routes().Count(route => route is { IsGuarded: true, Protocol: HostNetwork.RouteProtocol }));

        network.Apply(State(tun, "::/0"));
        Assert.Equal([(10, 12_341u), (10, 12_342u)], Rules());

        network.Apply(State(tun));
        Assert.Empty(Rules());
        Assert.DoesNotContain(network.Routes(), route => route.IsGuarded);
    });

    [Fact]
    public void Apply_RouteThatIsGuardedNoMore_ChangesTables() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();
        network.Apply(State(tun, "10.8.0.0/16"));

        network.Apply(new HostState([new LinkState(tun.InterfaceIndex, tun.Name, 1400, true, [_v4], [new RouteState(IPNetwork.Parse("10.8.0.0/16"))])]));

        Assert.False(network.Routes().Single(route => route.Destination.Equals(IPNetwork.Parse("10.8.0.0/16"))).IsGuarded);
        Assert.Empty(Rules());
    });

    /// <summary>Routes of a killed process go with its interface; the rules stay until the next start.</summary>
    [Fact]
    public void Recover_RulesOfAKilledProcess_AreRemoved() => NetNs.Run(() =>
    {
        using (var tun = TunDevice.Open("vpn-test", new TunOptions()))
        {
            using var killed = new HostNetwork();
            killed.Apply(State(tun, "0.0.0.0/0", "::/0"));
        }

        // A program that another test starts at this moment has the open interface, too, until it is exec'd: so the interface may outlive its closing.
        Assert.True(SpinWait.SpinUntil(() => HostNetwork.InterfaceIndex("vpn-test") == 0, TimeSpan.FromSeconds(10)));
        Assert.Equal(4, Rules().Length);
        using var network = new HostNetwork();

        Assert.Null(network.Recover());

        Assert.Empty(Rules());
    });

    [Fact]
    public void Apply_AnotherProcessHasGuardedRoutes_ItsRulesStay() => NetNs.Run(() =>
    {
        using var first = TunDevice.Open("vpn-one", new TunOptions());
        using var second = TunDevice.Open("vpn-two", new TunOptions());
        using HostNetwork one = new(), two = new();
        one.Apply(State(first, "10.8.0.0/16"));
        two.Apply(new HostState([new LinkState(second.InterfaceIndex, second.Name, 1400, true, [], [Guarded("10.9.0.0/16")])]));

        one.Apply(HostState.Empty);
        Assert.Equal(2, Rules().Length);

        two.Apply(HostState.Empty);
        Assert.Empty(Rules());
    });

    private static HostState State(TunDevice tun, params string[] guarded) =>
        new([new LinkState(tun.InterfaceIndex, tun.Name, 1400, true, [_v4], [.. guarded.Select(Guarded)])]);

    private static RouteState Guarded(string prefix) => new(IPNetwork.Parse(prefix)) { IsGuarded = true };

    private static (int Family, uint Priority)[] Rules()
    {
        using var netlink = new NetlinkSocket();
        return [.. GuardRules.Read(netlink).Select(rule => ((int)rule.Family, rule.Priority)).Order()];
    }
}
