using System.Net;
using System.Net.Sockets;
using VibePN.Linux.Native;

namespace VibePN.Linux.Tests;

/// <summary>Against the kernel, in namespaces of their own.</summary>
public sealed class HostNetworkTests
{
    private static readonly InterfaceAddress _v4 = new(IPAddress.Parse("10.7.0.1"), 24);
    private static readonly InterfaceAddress _v6 = new(IPAddress.Parse("fd07::1"), 64);

    [Fact]
    public void Apply_Everything_IsThereAndASecondTimeChangesNothing() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();
        var state = new HostState([Link(tun, 1400, [_v4, _v6], [Route("10.8.0.0/16"), Route("10.9.0.0/16", 1300, 7), Route("fd08::/32", 1290)])]);

        network.Apply(state);
        var first = Describe(network, tun);
        network.Apply(state);

        Assert.Equal(first, Describe(network, tun));
        Assert.Equal(["10.7.0.1/24", "fd07::1/64"], first.Addresses);
        Assert.Equal(["10.8.0.0/16 mtu  metric 0", "10.9.0.0/16 mtu 1300 metric 7", "fd08::/32 mtu 1290 metric 1024"], first.Routes);
        using var netlink = new NetlinkSocket();
        var link = HostQueries.FindLink(netlink, tun.InterfaceIndex)!;
        Assert.Equal(("vpn-test", 1400, true), (link.Name, link.Mtu, link.IsUp));
        Assert.Equal(NetlinkConstants.IN6_ADDR_GEN_MODE_NONE, link.AddressGeneration);
        Assert.DoesNotContain(network.Addresses(), a => a.Address.Address.IsIPv6LinkLocal);

        // Usable at once: no duplicate address detection.
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(IPEndPoint.Parse("[fd07::1]:0"));
    });

    [Fact]
    public void Apply_Changes_OnlyTheDifferenceMoves() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();
        network.Apply(new HostState([Link(tun, 1400, [_v4, _v6], [Route("10.8.0.0/16"), Route("10.9.0.0/16"), Route("fd08::/32")])]));

        var other = new InterfaceAddress(IPAddress.Parse("10.7.0.9"), 24);
        network.Apply(new HostState([Link(tun, 1390, [other, _v6], [Route("10.9.0.0/16", 1280), Route("10.10.0.1/32"), Route("fd08::/32")])]));

        var now = Describe(network, tun);
        Assert.Equal(["10.7.0.9/24", "fd07::1/64"], now.Addresses);
        Assert.Equal(["10.10.0.1/32 mtu  metric 0", "10.9.0.0/16 mtu 1280 metric 0", "fd08::/32 mtu  metric 1024"], now.Routes);
    });

    [Fact]
    public void Apply_PrimaryAddressRemoved_SecondaryIsPutBack() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();
        var second = new InterfaceAddress(IPAddress.Parse("10.7.0.2"), 24);
        network.Apply(new HostState([Link(tun, 1400, [_v4, second], [])]));

        network.Apply(new HostState([Link(tun, 1400, [second], [])]));

        Assert.Equal(["10.7.0.2/24"], Describe(network, tun).Addresses);
    });

    [Fact]
    public void Apply_Empty_TakesEverythingBack() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();
        var before = network.Routes().Count;
        network.Apply(new HostState([Link(tun, 1400, [_v4, _v6], [Route("10.8.0.0/16"), Route("fd08::/32")])]));
        Assert.True(network.Routes().Count > before);

        network.Apply(HostState.Empty);

        Assert.Empty(Describe(network, tun).Addresses);
        Assert.Equal(before, network.Routes().Count);
        network.Apply(HostState.Empty);
    });

    [Fact]
    public void Apply_EmptyAfterTheInterfaceIsGone_IsNoError() => NetNs.Run(() =>
    {
        var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();
        network.Apply(new HostState([Link(tun, 1400, [_v4], [Route("10.8.0.0/16")])]));
        tun.Dispose();

        network.Apply(HostState.Empty);

        Assert.Equal(0, HostNetwork.InterfaceIndex("vpn-test"));
    });

    [Fact]
    public void Apply_RouteOfSomebodyElse_IsAnErrorAndStays() => NetNs.Run(() =>
    {
        using var theirs = TunDevice.Open("other", new TunOptions());
        using var them = new HostNetwork();
        them.Apply(new HostState([Link(theirs, 1400, [], [Route("10.8.0.0/16")])]));
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();

        var error = Assert.Throws<LinuxException>(() =>
            network.Apply(new HostState([Link(tun, 1400, [_v4], [Route("10.8.0.0/16"), Route("10.9.0.0/16")])])));

        Assert.Contains("add route 10.8.0.0/16 on vpn-test", error.Message, StringComparison.Ordinal);
        Assert.Contains("another route to this destination exists", error.Message, StringComparison.Ordinal);
        Assert.Equal(["10.8.0.0/16 mtu  metric 0"], Describe(network, theirs).Routes);
        Assert.Equal(["10.9.0.0/16 mtu  metric 0"], Describe(network, tun).Routes);
    });

    [Fact]
    public void Apply_IPv6SwitchedOff_SaysHowToSwitchItOn() => NetNs.Run(() =>
    {
        File.WriteAllText("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        File.WriteAllText("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();

        var error = Assert.Throws<LinuxException>(() => network.Apply(new HostState([Link(tun, 1400, [_v4, _v6], [Route("10.8.0.0/16")])])));

        Assert.Contains("add address fd07::1/64 on vpn-test", error.Message, StringComparison.Ordinal);
        Assert.Contains("disable_ipv6=0", error.Message, StringComparison.Ordinal);
        Assert.Equal(["10.7.0.1/24"], Describe(network, tun).Addresses);
        Assert.Equal(["10.8.0.0/16 mtu  metric 0"], Describe(network, tun).Routes);
    });

    [Fact]
    public void Apply_InterfaceGone_SaysSo() => NetNs.Run(() =>
    {
        using var network = new HostNetwork();
        var error = Assert.Throws<LinuxException>(() => network.Apply(new HostState([new LinkState(77, "vpn-test", 1400, true, [], [])])));
        Assert.Contains("configure interface vpn-test", error.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Apply_WithoutCapability_SaysWhichAndHow() => NetNs.RunWithoutCapabilities(() =>
    {
        // The host's own namespace: nothing can be changed, that is the point.
        using var network = new HostNetwork();
        var error = Assert.Throws<LinuxException>(() => network.Apply(new HostState(
            [new LinkState(HostNetwork.InterfaceIndex("lo"), "lo", 65_536, true, [new(IPAddress.Parse("127.9.9.9"), 8)], [])])));
        Assert.Equal(Errno.EPERM, error.ErrorNumber);
        Assert.Contains("CAP_NET_ADMIN", error.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Apply_ThousandRoutes_AllAreThere() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = new HostNetwork();
        var routes = Enumerable.Range(0, 1000).Select(i => Route($"10.{64 + (i / 256)}.{i % 256}.0/24", 1280 + (i % 100))).ToList();

        network.Apply(new HostState([Link(tun, 1400, [_v4], routes)]));
        Assert.Equal(1000, Describe(network, tun).Routes.Count);

        network.Apply(new HostState([Link(tun, 1400, [_v4], routes[..500])]));
        Assert.Equal(500, Describe(network, tun).Routes.Count);
    });

    private static LinkState Link(TunDevice tun, int mtu, InterfaceAddress[] addresses, IReadOnlyList<RouteState> routes) =>
        new(tun.InterfaceIndex, tun.Name, mtu, Up: true, addresses, routes);

    private static RouteState Route(string prefix, int? mtu = null, int? metric = null) => new(IPNetwork.Parse(prefix), mtu, metric);

    private static Description Describe(HostNetwork network, TunDevice tun) => new(
        [.. network.Addresses().Where(a => a.InterfaceIndex == tun.InterfaceIndex).Select(a => a.Address.ToString()).Order(StringComparer.Ordinal)],
        [.. network.Routes().Where(r => r.InterfaceIndex == tun.InterfaceIndex && r.Protocol == HostNetwork.RouteProtocol)
            .Select(r => $"{r.Destination} mtu {r.Mtu} metric {r.Metric}").Order(StringComparer.Ordinal)]);

    private sealed record Description(List<string> Addresses, List<string> Routes)
    {
        public bool Equals(Description? other) => other is not null && Addresses.SequenceEqual(other.Addresses) && Routes.SequenceEqual(other.Routes);

        public override int GetHashCode() => HashCode.Combine(Addresses.Count, Routes.Count);
    }
}
