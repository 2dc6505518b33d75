using System.Net;
using VibePN.Api;
using VibePN.Doctor.Explain;
using VibePN.Doctor.Facts;
using VibePN.Linux;
using Xunit;

namespace VibePN.Tests.Doctor;

/// <summary>What <c>explain</c> says of staged faults: the step that finds it, how bad it is, and a word of cause or cure.</summary>
public sealed class ExplanationTests
{
    private const FindingSeverity Info = FindingSeverity.Info;
    private const FindingSeverity Warning = FindingSeverity.Warning;
    private const FindingSeverity Error = FindingSeverity.Error;

    private static readonly ExplainFacts Good = new(
        IPAddress.Parse("192.168.20.7"),
        HealthyHost.Facts.WithStatus(status => status with
        {
            Networks = [status.Networks[0] with { Prefixes = ["10.42.0.0/24"] }],
            Peers = [new PeerDto { Name = "two", State = PeerState.Connected, Address = "203.0.113.2:51820", RttMillis = 12.5, MtuBytes = 1420, MtuState = MtuState.Settled, Networks = ["corp"] }],
        }),
        [
            new RouteDto { Network = "corp", Prefix = "10.42.0.1/32", Source = "own", Used = true },
            new RouteDto { Network = "corp", Prefix = "10.42.0.2/32", Peer = "two", Source = "address", Used = true },
            new RouteDto { Network = "corp", Prefix = "192.168.20.0/24", Peer = "two", Source = "announced", Used = true, Why = "allow_routes" },
        ],
        new HostPath(HealthyHost.Tunnel, null, IPAddress.Parse("10.42.0.1"), IPNetwork.Parse("192.168.20.0/24"), 12_341, null, false));

    private static readonly (string Name, string Step, FindingSeverity Severity, string Says, Func<ExplainFacts, ExplainFacts> Spoil)[] Faults =
    [
        ("no daemon", "daemon", Error, "systemctl start vibepn", facts => facts with { Host = facts.Host.WithoutDaemon(), Routes = [] }),
        ("no network", "network", Error, "past VibePN", facts => facts with { Address = IPAddress.Parse("8.8.8.8"), Path = new HostPath(HealthyHost.Eth0, null, null, null, 254, null, false) }),
        ("interface gone", "network", Error, "vpn-corp", facts => facts with { Host = facts.Host with { Network = facts.Host.Network with { Links = [.. facts.Host.Network.Links.Where(link => link.Index != HealthyHost.Tunnel)] } } }),
        ("interface down", "network", Error, "ip link set vpn-corp up", facts => facts with { Host = facts.Host.WithTunnel(link => link with { IsUp = false }) }),
        ("nobody has the address", "route", Error, "other addresses", facts => facts with { Address = IPAddress.Parse("10.42.0.9") }),
        ("who may have it is away", "route", Error, "not connected: two", facts => facts with { Address = IPAddress.Parse("10.42.0.9"), Host = Peer(facts, PeerState.Unreachable) }),
        ("route refused", "route", Error, "--allow-routes 192.168.20.0/24", facts => facts with { Routes = [facts.Routes[0], facts.Routes[2] with { Used = false, Why = "not in allow_routes" }] }),
        ("peer has left", "route", Error, "its connection has ended", facts => facts with { Routes = [facts.Routes[2] with { Used = false, Former = true, Why = "gone" }] }),
        ("network accepts no routes", "route", Error, "accept_routes = true", facts => facts with { Routes = [facts.Routes[2] with { Used = false, Why = "accept_routes = false" }] }),
        ("another stands by", "route", Info, "stands by", facts => facts with { Routes = [.. facts.Routes, facts.Routes[2] with { Used = false, StandBy = true, Peer = "three", Why = "larger metric" }] }),
        ("meets a route of the host", "route", Info, "lan keeps", facts => facts with { Routes = [facts.Routes[2] with { Conflict = "lan keeps 192.168.20.128/25" }] }),
        ("peer unreachable", "peer", Error, "cannot be reached", facts => facts with { Host = Peer(facts, PeerState.Unreachable) }),
        ("peer refuses us", "peer", Error, HealthyHost.Id, facts => facts with { Address = IPAddress.Parse("10.42.0.9"), Host = Peer(facts, PeerState.RefusedByPeer) }),
        ("peer silent", "peer", Warning, "4.0 s", facts => facts with { Host = facts.Host.WithPeer(facts.Host.Daemon.Status!.Peers[0] with { UnansweredMillis = 4000 }) }),
        ("peer away, own key expired", "host", Error, "has expired", facts => facts with
        {
            Address = IPAddress.Parse("10.42.0.9"),
            Host = Peer(facts, PeerState.RefusedByPeer) with { Identity = facts.Host.Identity! with { NotAfterUtc = HealthyHost.Now.AddDays(-1) } },
        }),
        ("path narrower than the interface", "mtu", Info, "ICMP", facts => facts with { Host = facts.Host.WithPeer(facts.Host.Daemon.Status!.Peers[0] with { MtuBytes = 1300 }) }),
        ("path loses large packets", "mtu", Warning, "larger ones did before", facts => facts with { Host = facts.Host.WithPeer(facts.Host.Daemon.Status!.Peers[0] with { MtuState = MtuState.Capped }) }),
        ("kernel route elsewhere", "kernel", Error, "not to vpn-corp", facts => facts with { Path = facts.Path! with { InterfaceIndex = HealthyHost.Lan, Table = 254 } }),
        ("no kernel route", "kernel", Error, "blackhole", facts => facts with { Path = null, PathProblem = "a blackhole route takes it" }),
        ("address is the host's", "kernel", Error, "never leaves", facts => facts with { Path = facts.Path! with { IsLocal = true, InterfaceIndex = HealthyHost.Lan } }),
        ("wrong source", "source", Error, "no address of this node", facts => facts with { Path = facts.Path! with { Source = IPAddress.Parse("203.0.113.1") } }),
        ("strict filter on the tunnel, way elsewhere", "rp_filter", Error, "strict on vpn-corp", facts => facts with
        {
            Path = facts.Path! with { InterfaceIndex = HealthyHost.Lan },
            Host = facts.Host.WithSysctl("net/ipv4/conf/all/rp_filter", "0").WithSysctl("net/ipv4/conf/vpn-corp/rp_filter", "1"),
        }),
        ("strict filter outside", "rp_filter", Warning, "rp_filter=2", facts => facts with { Host = facts.Host.Rewriting(("192.168.20.0/24", "0.0.0.0/0")).WithSysctl("net/ipv4/conf/all/rp_filter", "1") }),
        ("firewall lets nothing into the tunnel", "firewall", Error, "-I OUTPUT -o vpn-corp", facts => facts with { Host = facts.Host.WithFirewall("*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -o vpn-corp -j REJECT\n") }),
        ("firewall drops answers", "firewall", Error, "-I INPUT -i vpn-corp", facts => facts with { Host = facts.Host.WithFirewall("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i vpn-+ -j DROP\n") }),
        ("firewall drops the datagrams", "firewall", Error, "--dport 51820", facts => facts with { Host = facts.Host.WithFirewall("*filter\n:INPUT DROP [0:0]\n-A INPUT -i vpn-corp -j ACCEPT\n") }),
        ("firewall hidden", "firewall", Info, "only root", facts => facts with { Host = facts.Host with { Firewall = new FirewallFacts([], ["only root may"]) } }),
    ];

    public static TheoryData<string> FaultNames => [.. Faults.Select(fault => fault.Name)];

    [Fact]
    public void GoodWay_EveryStep_IsFine()
    {
        ExplainDto answer = Explanation.Judge(Good);

        Assert.All(answer.Steps, step => Assert.True(step.Severity == FindingSeverity.Ok, step.ToString()));
        Assert.Equal(["network", "route", "peer", "mtu", "kernel", "source", "rp_filter", "firewall"], answer.Steps.Select(step => step.Check));
        Assert.Equal(
            ("192.168.20.7 is reached by peer two in network corp", "corp", "two", "vpn-corp", "192.168.20.0/24", "10.42.0.1", 1420),
            (answer.Answer, answer.Network, answer.Peer, answer.Interface, answer.Route, answer.Source, answer.MtuBytes));
    }

    [Fact]
    public void LongestUsedPrefix_OfSeveral_IsTheRoute()
    {
        ExplainDto answer = Explanation.Judge(Good with
        {
            Routes = [Good.Routes[2] with { Prefix = "0.0.0.0/0", Peer = "three" }, Good.Routes[2], Good.Routes[2] with { Prefix = "192.168.20.0/25", Peer = "four", Used = false, Why = "not in allow_routes" }],
        });

        Assert.Equal(("two", "192.168.20.0/24"), (answer.Peer, answer.Route));
        Assert.Equal(["192.168.20.0/24 of two: allow_routes", "not by 192.168.20.0/25 of four", "not by 0.0.0.0/0 of three"], answer.Steps.Where(step => step.Check == "route").Select(step => step.What));
    }

    [Fact]
    public void OwnAddress_IsThisNodes()
    {
        ExplainDto answer = Explanation.Judge(Good with { Address = IPAddress.Parse("10.42.0.1"), Path = Good.Path! with { IsLocal = true, InterfaceIndex = 1 } });

        Assert.Equal((FindingSeverity.Ok, "10.42.0.1 is this node's own address in network corp"), (answer.Severity, answer.Answer));
    }

    [Theory]
    [MemberData(nameof(FaultNames))]
    public void StagedFault_ItsStep_TellsIt(string name)
    {
        var fault = Faults.Single(fault => fault.Name == name);

        ExplainDto answer = Explanation.Judge(fault.Spoil(Good));

        Assert.True(
            answer.Steps.Any(step => step.Check == fault.Step && step.Severity == fault.Severity && $"{step.What}\n{step.Cause}\n{step.Cure}".Contains(fault.Says, StringComparison.Ordinal)),
            string.Join('\n', answer.Steps));
        Assert.Equal(answer.Steps.Max(step => step.Severity), answer.Severity);
    }

    private static HostFacts Peer(ExplainFacts facts, PeerState state) => facts.Host.WithPeer(facts.Host.Daemon.Status!.Peers[0] with { State = state, Reason = null, Networks = [] });
}
