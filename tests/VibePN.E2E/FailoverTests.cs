using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Two routers announce one subnet; and what learned routes must not do to a host.</summary>
public sealed partial class FailoverTests : IDisposable
{
    private const string Lan = "192.168.20.0/24";
    private const string Target = "192.168.20.2";

    /// <summary>By hand: <c>FAILOVER_ROUNDS=10</c>.</summary>
    private static readonly int s_rounds = int.Parse(Environment.GetEnvironmentVariable("FAILOVER_ROUNDS") ?? "1", CultureInfo.InvariantCulture);

    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    /// <summary>The promise is 1 s; the limit leaves room for a machine that runs other tests beside it.</summary>
    [Fact]
    public void Router_KilledAndRevived_PingMovesAndRouteMovesOnceEachWay()
    {
        TestNode one = _bed.AddNode("one"), better = _bed.AddNode("better"), other = _bed.AddNode("other");
        new ConfigBuilder(one).Peer(better, $"allow_routes = [\"{Lan}\"]").Peer(other, $"allow_routes = [\"{Lan}\"]").Corp().Start();
        StartRouter(better, one, 10);
        StartRouter(other, one, 20);
        WaitForRoute(one, better);
        Wait.Until(TimeSpan.FromSeconds(20), "the other stands by", () => RouteVia(one, other)?["standBy"]!.GetValue<bool>() == true);
        Assert.Contains("metric", RouteVia(one, other)!["why"]!.GetValue<string>(), StringComparison.Ordinal);
        one.Host.WaitForPing(Target);
        int moves = Moves(one);

        for (int round = 1; round <= s_rounds; round++)
        {
            using RunningProgram ping = one.Host.Start("ping", "-n", "-D", "-i", "0.05", Target);
            Wait.Until(TimeSpan.FromSeconds(10), "answers", () => Answers(ping).Count > 5);
            better.Daemon.Signal(Signal.Kill);
            WaitForRoute(one, other);
            int before = Answers(ping).Count;
            Wait.Until(TimeSpan.FromSeconds(10), "answers by the other", () => Answers(ping).Count > before + 5);

            better.Launch();
            better.WaitUntilItAnswers();
            WaitForRoute(one, better);
            before = Answers(ping).Count;
            Wait.Until(TimeSpan.FromSeconds(10), "answers by the better one", () => Answers(ping).Count > before + 5);
            ping.Signal(Signal.Interrupt);
            Assert.True(ping.WaitForExit(TimeSpan.FromSeconds(10)));

            IReadOnlyList<double> answers = Answers(ping);
            double gap = answers.Zip(answers.Skip(1), (earlier, later) => later - earlier).Max();
            TestContext.Current.TestOutputHelper?.WriteLine($"round {round}: longest time without an answer {gap:F3} s");
            Assert.InRange(gap, 0, 5);
            Assert.Equal(moves + (2 * round), Moves(one));
        }
    }

    /// <summary>A host whose only way to the peers is its default route learns another default route.</summary>
    [Fact]
    public void DefaultRoute_ThatCoversThePeers_IsNotTakenByTheTunnelItself()
    {
        TestNode one = _bed.AddNode("one"), exit = _bed.AddNode("exit");
        one.Host.Ip("address", "delete", one.Host.Address + "/24", "dev", "wire");
        one.Host.Ip("address", "add", one.Host.Address + "/32", "dev", "wire");
        one.Host.Ip("route", "add", "default", "dev", "wire");
        exit.Host.Ip("address", "add", "198.51.100.7/32", "dev", "lo");
        new ConfigBuilder(one).Peer(exit, "allow_routes = [\"0.0.0.0/0\", \"::/0\"]").Corp().Start();
        new ConfigBuilder(exit).Peer(one).Corp("routes = [\"0.0.0.0/0\", \"::/0\"]").Start();

        PingThroughTheTunnel();
        Assert.Contains("dev wire", one.Host.Ip("route", "get", exit.Host.Address, "mark", "0x3035"), StringComparison.Ordinal);
        Assert.Contains("dev vpn-corp", one.Host.Ip("-6", "route", "get", "2001:db8:5::1"), StringComparison.Ordinal);

        // The connection of before might live on by what the kernel remembers; a new one has to find its own way.
        exit.Stop();
        exit.Launch();
        exit.WaitUntilItAnswers();
        Wait.Until(TimeSpan.FromSeconds(20), "connected again", () => one.StateOf(exit) == "connected");
        PingThroughTheTunnel();

        one.Daemon.Signal(Signal.Kill);
        Assert.True(one.Daemon.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.Contains("dev wire", one.Host.Ip("route", "get", exit.Host.Address), StringComparison.Ordinal);
        new ConfigBuilder(one).Peer(exit).Corp().Start();
        Assert.Equal("", Rules(one));
        one.Stop();

        // Without the learned route, the wire leads there, too.
        void PingThroughTheTunnel()
        {
            Wait.Until(TimeSpan.FromSeconds(20), "the learned default route is in use", () =>
                one.Host.Ip("route", "get", exit.Host.Address).Contains("dev vpn-corp", StringComparison.Ordinal));
            one.Host.WaitForPing("198.51.100.7");
        }
    }

    [Fact]
    public void Rules_OfLearnedRoutes_GoWithThem()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        string before = one.Host.Ip("rule", "show") + one.Host.Ip("-6", "rule", "show");
        new ConfigBuilder(one).Peer(two, "allow_routes = [\"192.168.0.0/16\"]").Corp().Start();
        new ConfigBuilder(two).Peer(one).Corp($"routes = [\"{Lan}\"]").Start();
        Wait.Until(TimeSpan.FromSeconds(20), "the route is in the host", () => one.Host.Routes().Contains(Lan, StringComparison.Ordinal));
        Assert.Contains("12342:\tnot from all fwmark 0x3035 lookup 12341", one.Host.Ip("rule", "show"), StringComparison.Ordinal);

        two.Stop();
        Wait.Until(TimeSpan.FromSeconds(20), "the rules are gone", () => Rules(one).Length == 0);
        Assert.Equal(before, one.Host.Ip("rule", "show") + one.Host.Ip("-6", "rule", "show"));
    }

    [Fact]
    public void Route_ToALinkOfTheHost_IsRefusedAndExplained()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        AddLink(one, "home");
        one.Host.Ip("address", "add", "192.168.1.5/24", "dev", "home");
        one.Host.Ip("link", "set", "home", "up");
        new ConfigBuilder(one).Peer(two, "allow_routes = [\"192.168.0.0/16\", \"192.0.2.0/24\"]").Corp().Start();
        new ConfigBuilder(two).Peer(one).Corp("routes = [\"192.168.1.0/24\", \"192.168.0.0/16\", \"192.168.1.128/25\", \"192.0.2.0/24\"]").Start();
        Wait.Until(TimeSpan.FromSeconds(20), "the announcement is there", () => one.RouteTo("192.168.0.0/16") is not null);

        foreach (string refused in new[] { "192.168.1.0/24", "192.168.1.128/25", "192.0.2.0/24" })
        {
            JsonNode route = one.RouteTo(refused)!;
            Assert.False(route["used"]!.GetValue<bool>(), route.ToJsonString());
            Assert.Contains(refused.StartsWith("192.0.", StringComparison.Ordinal) ? "wire" : "home", route["conflict"]!.GetValue<string>(), StringComparison.Ordinal);
            Assert.Equal(1, one.CountLog($"may not have {refused}"));
        }

        JsonNode wider = one.RouteTo("192.168.0.0/16")!;
        Assert.True(wider["used"]!.GetValue<bool>(), wider.ToJsonString());
        Assert.Equal("home keeps 192.168.1.0/24", wider["conflict"]!.GetValue<string>());
        Wait.Until(TimeSpan.FromSeconds(20), "the wider route is in the host", () =>
            one.Host.Ip("route", "get", "192.168.2.2").Contains("dev vpn-corp", StringComparison.Ordinal));
        Assert.Contains("dev home", one.Host.Ip("route", "get", "192.168.1.200"), StringComparison.Ordinal);
        one.Host.WaitForPing(two.Inner);
    }

    private static void StartRouter(TestNode router, TestNode client, int metric)
    {
        // The subnet's host stands for one that answers by the router that it was asked by.
        AddLink(router, "lan");
        router.Host.Ip("address", "add", Target + "/24", "dev", "lan");
        router.Host.Ip("link", "set", "lan", "up");
        new ConfigBuilder(router).Peer(client).Corp($"routes = [\"{Lan}\"]", $"metric = {metric.ToString(CultureInfo.InvariantCulture)}").Start();
    }

    /// <summary>A link that leads nowhere.</summary>
    private static void AddLink(TestNode node, string name)
    {
        node.Host.Ip("link", "add", name, "type", "veth", "peer", "name", name + "-end");
        node.Host.Ip("link", "set", name + "-end", "up");
    }

    private static void WaitForRoute(TestNode from, TestNode router) => Wait.Until(
        TimeSpan.FromSeconds(60),
        $"the route goes to {router.Name}",
        () => RouteVia(from, router)?["used"]!.GetValue<bool>() == true);

    private static JsonNode? RouteVia(TestNode from, TestNode router) => from.Json("routes")["routes"]!.AsArray()
        .FirstOrDefault(route => route!["prefix"]!.GetValue<string>() == Lan && route["peer"]?.GetValue<string>() == router.Name);

    private static int Moves(TestNode node) => node.CountLog("goes to peer");

    private static string Rules(TestNode node) => string.Concat(
        (node.Host.Ip("rule", "show") + node.Host.Ip("-6", "rule", "show")).Split('\n').Where(line => line.StartsWith("1234", StringComparison.Ordinal)));

    /// <summary>The moments of the answers, in seconds.</summary>
    private static List<double> Answers(RunningProgram ping) =>
        [.. Answer().Matches(ping.Output).Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex(@"^\[([0-9.]+)\] [0-9]+ bytes from", RegexOptions.Multiline)]
    private static partial Regex Answer();
}
