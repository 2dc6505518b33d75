using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Announced subnets: a host behind each of two nodes.</summary>
public sealed class SiteToSiteTests : IDisposable
{
    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void HostsBehindTheNodes_WithAllowedRoutes_ReachEachOther()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        TestHost left = AddSite(one, "left", 10), right = AddSite(two, "right", 20);
        new ConfigBuilder(one)
            .Peer(two, "allow_routes = [\"192.168.20.0/24\", \"fd20::/64\"]")
            .Corp("routes = [\"192.168.10.0/24\", \"fd10::/64\"]")
            .Start();
        new ConfigBuilder(two)
            .Peer(one, "allow_routes = [\"192.168.0.0/16\", \"fd10::/64\"]")
            .Corp("routes = [\"192.168.20.0/24\", \"fd20::/64\", \"192.168.99.0/24\"]")
            .Start();

        left.WaitForPing("192.168.20.2");
        right.WaitForPing("192.168.10.2");
        left.WaitForPing("fd20::2");
        right.WaitForPing("fd10::2");

        JsonNode allowed = one.RouteTo("192.168.20.0/24")!;
        Assert.True(allowed["used"]!.GetValue<bool>(), allowed.ToJsonString());
        Assert.Contains("allow_routes", allowed["why"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("192.168.20.0/24 dev vpn-corp", one.Host.Routes(), StringComparison.Ordinal);

        JsonNode refused = one.RouteTo("192.168.99.0/24")!;
        Assert.False(refused["used"]!.GetValue<bool>(), refused.ToJsonString());
        Assert.Contains("allow_routes", refused["why"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.DoesNotContain("192.168.99.", one.Host.Routes(), StringComparison.Ordinal);
        Assert.Contains("192.168.99.0/24", one.Control("routes").Output, StringComparison.Ordinal);

        two.Stop();
        Wait.Until(TimeSpan.FromSeconds(15), "the route is gone with its owner", () =>
            !one.Host.Routes().Contains("192.168.20.0/24", StringComparison.Ordinal));
    }

    [Fact]
    public void Routes_OfANetworkThatAcceptsNone_AreRefusedAndExplained()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        new ConfigBuilder(one).Peer(two, "allow_routes = [\"192.168.20.0/24\"]").Corp("accept_routes = false").Start();
        new ConfigBuilder(two).Peer(one).Corp("routes = [\"192.168.20.0/24\"]").Start();
        one.Host.WaitForPing(two.Inner);

        Wait.Until(TimeSpan.FromSeconds(15), "the announcement is there", () => one.RouteTo("192.168.20.0/24") is not null);

        JsonNode route = one.RouteTo("192.168.20.0/24")!;
        Assert.False(route["used"]!.GetValue<bool>(), route.ToJsonString());
        Assert.Contains("accept_routes = false", route["why"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.DoesNotContain("192.168.20.", one.Host.Routes(), StringComparison.Ordinal);
    }

    /// <summary>A host that reaches the rest through the node's host only.</summary>
    private TestHost AddSite(TestNode node, string name, int number)
    {
        TestHost site = _bed.AddHost(name);
        site.Ip("link", "delete", "wire");
        Shell.Must("ip", "link", "add", "lan", "netns", node.Host.Namespace, "type", "veth", "peer", "name", "lan", "netns", site.Namespace);
        Configure(node.Host, 1);
        Configure(site, 2);
        site.Ip("route", "add", "default", "via", $"192.168.{number}.1");
        site.Ip("-6", "route", "add", "default", "via", $"fd{number}::1");
        node.Host.Run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
        return site;

        void Configure(TestHost host, int place)
        {
            host.Ip("address", "add", $"192.168.{number}.{place}/24", "dev", "lan");
            host.Ip("address", "add", $"fd{number}::{place}/64", "dev", "lan", "nodad");
            host.Ip("link", "set", "lan", "up");
        }
    }
}
