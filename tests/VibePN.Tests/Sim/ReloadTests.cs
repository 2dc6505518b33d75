using System.Net;
using VibePN.Config;
using VibePN.Control;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>The config changes while packets flow: what did not change does not notice.</summary>
public sealed class ReloadTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly Prefix Lan = Prefix.FromIPNetwork(IPNetwork.Parse("192.168.20.0/24"));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Network_AddedOnBothSides_IsJoinedOverTheSameConnection(bool dialerFirst)
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp");
        var since = (a.Peer("b").ChangedNanos, b.Peer("a").ChangedNanos);
        var (first, second) = dialerFirst ? (a, b) : (b, a);

        first.Apply(config => With(config, first == a ? 1 : 2, "corp", "lab"));
        Talk(sim, a, b, 0);
        Assert.Contains("lab", first.Peer(first == a ? "b" : "a").NetworkProblems.Keys);
        second.Apply(config => With(config, second == a ? 1 : 2, "corp", "lab"));
        sim.Run(Second);
        Talk(sim, a, b, 0, 1);

        Assert.Equal(sim.Ledger.Sent, sim.Ledger.Arrived);
        Assert.Equal(since, (a.Peer("b").ChangedNanos, b.Peer("a").ChangedNanos));
        Assert.Equal((1, 1), (a.Snapshot.Connections, b.Snapshot.Connections));
        Assert.Equal(["corp", "lab"], a.Peer("b").Networks);
        Assert.Equal(["vpn-corp", "vpn-lab"], a.Node!.DesiredHostState().Links.Select(link => link.Name));
    }

    [Fact]
    public void Network_Removed_ItsPacketsAreCountedDropsAndTheOthersFlow()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp", "lab");
        Talk(sim, a, b, 0, 1);
        var lab = a.IndexOf("lab");
        var packet = sim.Ledger.Stamp("lab", "10.43.0.2", "10.43.0.1", mayArrive: false);

        var change = a.Apply(config => With(config, 1, "corp"));
        b.Send(b.IndexOf("lab"), packet);
        a.Send(lab, TestPacket.Udp("10.43.0.1", "10.43.0.2"));
        sim.Run(Second);

        Assert.Equal([lab], change.Closed);
        Assert.Equal(1UL, a.Snapshot.Drops[DropReason.InUnknownTag]);
        Assert.Equal(1UL, a.Snapshot.Drops[DropReason.OutNoRoute]);
        Assert.Equal(["corp"], b.Peer("a").Networks);
        Assert.DoesNotContain(b.Snapshot.Networks[1].Routes, route => route.IsUsed);
        Assert.Equal(["vpn-corp"], a.Node!.DesiredHostState().Links.Select(link => link.Name));
        var arrived = sim.Ledger.Arrived;
        Talk(sim, a, b, 0);
        Assert.Equal(arrived + 2, sim.Ledger.Arrived);
    }

    [Fact]
    public void Network_RemovedAndAddedManyTimes_NeverHasATagAgain()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, TestIdentity.Get("a"), config => With(config, 1, "corp", "lab"), new SimPeer("raw"));
        var raw = new RawPeer(sim, "raw", 66);
        raw.Connect(a);
        raw.Say(new Hello(Guid.NewGuid(), "raw", [], null, 9000, false));
        raw.SayNetworks(("corp", "10.42.0.0/24", 1, ["10.42.0.66"]), ("lab", "10.43.0.0/24", 2, ["10.43.0.66"]));
        sim.Run(Second);
        List<ulong> tags = [raw.TagOf("lab")];
        var corp = raw.TagOf("corp");
        for (var i = 0; i < 20; i++)
        {
            // Out of the config, or only out of the peer's entry.
            a.Apply(config => i % 2 == 0 ? With(config, 1, "corp") : config with { Peers = [config.Peers[0] with { Networks = ["corp"] }] });
            sim.Run(Second);
            Assert.DoesNotContain(raw.Messages.OfType<NetworkList>().Last().Networks, offer => offer.Name == "lab");
            a.Apply(config => With(config, 1, "corp", "lab"));
            sim.Run(Second);
            tags.Add(raw.TagOf("lab"));
            Assert.Equal(corp, raw.TagOf("corp"));
        }

        Assert.Equal(tags.Count, tags.Distinct().Count());
        Assert.DoesNotContain(corp, tags);
        foreach (var old in tags[..^1])
        {
            raw.SendPacket(old, sim.Ledger.Stamp("lab", "10.43.0.66", "10.43.0.1", mayArrive: false));
            raw.SendPacket(old, sim.Ledger.Stamp("corp", "10.42.0.66", "10.42.0.1", mayArrive: false));
        }

        raw.SendPacket(tags[^1], sim.Ledger.Stamp("lab", "10.43.0.66", "10.43.0.1"));
        sim.Run(Second);
        Assert.Equal(40UL, a.Snapshot.Drops[DropReason.InUnknownTag]);
        Assert.Equal(1, sim.Ledger.Arrived);
        Assert.Null(raw.Closed);
    }

    [Fact]
    public void Config_Same_ChangesNothingAndTellsNobody()
    {
        using var sim = new SimNetwork(1);
        var (a, raw) = WithRaw(sim);
        var (messages, version, memory) = (raw.Messages.Count, a.Node!.HostStateVersion, a.Node.MemoryVersion);

        a.Apply(config => With(config, 1, "corp"));
        sim.Run(Second);

        Assert.Equal((messages, version, memory), (raw.Messages.Count, a.Node.HostStateVersion, a.Node.MemoryVersion));
        Assert.Null(raw.Closed);
    }

    [Fact]
    public void Config_ChangesForOthers_PeerIsToldNothing()
    {
        using var sim = new SimNetwork(1);
        var (a, raw) = WithRaw(sim);
        var messages = raw.Messages.Count;

        a.Apply(config => With(config, 1, "corp", "lab") with { Peers = [config.Peers[0], Entry("b", 2) with { Networks = ["corp", "lab"], Addresses = [IPAddress.Parse("10.42.0.9")] }] });
        sim.Run(Second);

        Assert.Equal(messages, raw.Messages.Count);
        Assert.Equal(["corp"], a.Peer("raw").Networks);
    }

    [Fact]
    public void OwnAddress_Changed_PeersRouteToTheNewOneAtOnce()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp");
        var since = b.Peer("a").ChangedNanos;

        a.Apply(config => config with { Networks = [config.Networks[0] with { Addresses = [IPAddress.Parse("10.42.0.77"), config.Networks[0].Addresses[1]] }] });
        sim.Run(Second);
        Talk(sim, a, b, 0);
        a.Send(0, sim.Ledger.Stamp("corp", "10.42.0.1", "10.42.0.2", mayArrive: false));
        sim.Run(Second);

        Assert.Equal(2, sim.Ledger.ArrivedFrom("10.42.0.2", "10.42.0.77") + sim.Ledger.ArrivedFrom("10.42.0.77", "10.42.0.2"));
        Assert.Equal(1UL, b.Snapshot.Drops[DropReason.InSourceNotOwned]);
        Assert.Equal(since, b.Peer("a").ChangedNanos);
        Assert.Contains(a.Node!.DesiredHostState().Links[0].Addresses, address => address.Address.Equals(IPAddress.Parse("10.42.0.77")));
    }

    [Fact]
    public void Prefix_Added_TheFirstKeepsItsFlows()
    {
        using var sim = new SimNetwork(1);
        NodeConfig Narrow(NodeConfig config) => config with
        {
            Networks = [config.Networks[0] with { Prefixes = [config.Networks[0].Prefixes[0]], Addresses = [config.Networks[0].Addresses[0]] }],
        };
        var a = sim.AddHost("a", 1, TestIdentity.Get("a"), config => Narrow(With(config, 1, "corp")), new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, TestIdentity.Get("b"), config => With(config, 2, "corp"), new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 10 * Second));
        sim.Run(Second);
        a.SendTo(b, 0);

        a.Apply(config => With(config, 1, "corp"));
        a.SendTo(b, 0);
        sim.Run(Second);
        a.SendTo(b, 0, v6: true);
        b.SendTo(a, 0, v6: true);
        sim.Run(Second);

        Assert.Equal(4, sim.Ledger.Arrived);
    }

    [Fact]
    public void Routes_Changed_NewAreAnnouncedAndOldWithdrawn()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp");
        b.Apply(config => config with { Peers = [config.Peers[0] with { AllowRoutes = [IPNetwork.Parse("192.168.0.0/16")] }] });
        Assert.Empty(Announced(b));

        a.Apply(config => WithRoutes(config, "192.168.20.0/24", "192.168.21.0/24"));
        sim.Run(Second);
        Assert.Equal(["192.168.20.0/24", "192.168.21.0/24"], Announced(b));

        a.Apply(config => WithRoutes(config, "192.168.21.0/24", "192.168.22.0/24"));
        sim.Run(Second);
        Assert.Equal(["192.168.21.0/24", "192.168.22.0/24"], Announced(b));

        a.Apply(config => WithRoutes(config, "192.168.21.0/24") is var changed ? changed with { Networks = [changed.Networks[0] with { Export = false }] } : config);
        sim.Run(Second);
        Assert.Empty(Announced(b));
    }

    [Fact]
    public void AllowRoutes_Changed_RouteIsJudgedAnewWithoutAReconnect()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp");
        a.Apply(config => WithRoutes(config, "192.168.20.0/24"));
        sim.Run(Second);
        Assert.Empty(Announced(b));
        Assert.Equal(RouteVerdict.NotAllowed, b.Snapshot.Networks[0].Routes.Single(route => route.Prefix == Lan).Verdict);

        b.Apply(config => config with { Peers = [config.Peers[0] with { AllowRoutes = [IPNetwork.Parse("192.168.0.0/16")] }] });
        Assert.Equal(["192.168.20.0/24"], Announced(b));

        b.Apply(config => config with { Peers = [config.Peers[0] with { AllowRoutes = [] }] });
        Assert.Empty(Announced(b));
        Assert.Equal((1, 1), (a.Snapshot.Connections, b.Snapshot.Connections));
    }

    [Fact]
    public void Network_AddedLater_GetsTheRoutesThatWereAnnouncedBefore()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp");
        b.Apply(config => config with { Peers = [config.Peers[0] with { AllowRoutes = [IPNetwork.Parse("192.168.0.0/16")] }] });
        a.Apply(config => With(config, 1, "corp", "lab") is var changed
            ? changed with { Networks = [changed.Networks[0], changed.Networks[1] with { Routes = [Lan.ToIPNetwork()] }] }
            : config);
        sim.Run(10 * Second);

        b.Apply(config => With(config, 2, "corp", "lab") is var changed
            ? changed with { Peers = [changed.Peers[0] with { AllowRoutes = [IPNetwork.Parse("192.168.0.0/16")] }] }
            : config);
        sim.Run(Second);

        Assert.Contains(b.Snapshot.Networks[1].Routes, route => route.Prefix == Lan && route.IsUsed);
    }

    [Fact]
    public void Peer_Added_IsDialedAndTheOthersStay()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp");
        var c = sim.AddHost("c", 3, new SimPeer("a"));
        var since = a.Peer("b").ChangedNanos;

        a.Apply(config => config with { Peers = [.. config.Peers, Entry("c", 3)] });
        Assert.NotNull(sim.RunUntil(() => a.IsUp(c) && c.IsUp(a), 3 * Second));
        sim.Run(Second);
        a.SendTo(c, 0);
        b.SendTo(a, 0);
        sim.Run(Second);

        Assert.Equal(2, sim.Ledger.Arrived);
        Assert.Equal(since, a.Peer("b").ChangedNanos);
    }

    [Fact]
    public void Peer_Removed_IsToldAndItsAddressIsFree()
    {
        using var sim = new SimNetwork(1);
        var (a, raw) = WithRaw(sim, "b");
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b), 5 * Second));
        sim.Run(Second);
        var since = a.Peer("b").ChangedNanos;

        a.Apply(config => config with { Peers = [.. config.Peers.Where(peer => peer.Name != "raw")] });
        sim.Run(Second);

        Assert.Equal((ulong)CloseReason.Removed, raw.Closed?.ErrorCode);
        Assert.Equal(["b"], a.Snapshot.Peers.Select(peer => peer.Name));
        Assert.DoesNotContain(a.Snapshot.Networks[0].Routes, route => route.Peer == raw.Id);
        Assert.DoesNotContain(a.Node!.Memory.Networks[0].Owners, owner => owner.Peer == raw.Id);
        Assert.Equal(since, a.Peer("b").ChangedNanos);
        raw.Connect(a);
        sim.Run(Second);
        Assert.NotNull(raw.Closed);
        Assert.Equal(1, a.Snapshot.Connections);
    }

    [Fact]
    public void Peer_RemovedWhileItIsDialed_NoAttemptFollows()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        sim.Run(Second);
        var dialed = a.Snapshot.Handshakes["dialed"];
        Assert.InRange(dialed, 1, 3);

        a.Apply(config => config with { Peers = [] });
        sim.Run(TimeSpan.FromMinutes(1));

        Assert.Equal(dialed, a.Snapshot.Handshakes["dialed"]);
        Assert.Equal(0, a.Snapshot.Connections);
    }

    [Fact]
    public void Peer_WithAnotherAddress_IsDialedThereAtOnce()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 9));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        sim.Run(20 * Second);
        Assert.False(a.IsUp(b));

        a.Apply(config => config with { Peers = [config.Peers[0] with { Address = Entry("b", 2).Address }] });

        Assert.NotNull(sim.RunUntil(() => a.IsUp(b), Second));
        Assert.Equal("", a.Peer("b").Reason);
    }

    [Fact]
    public void Peer_WithAnotherFingerprint_IsAnotherPeer()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp");

        a.Apply(config => config with { Peers = [config.Peers[0] with { Fingerprint = TestIdentity.Get("c").Node.Id }] });
        sim.Run(5 * Second);
        Assert.Equal(PeerCondition.RefusedHere, a.Peer("b").Condition);

        a.Apply(config => config with { Peers = [config.Peers[0] with { Name = "bee", Fingerprint = b.Id }] });
        Assert.NotNull(sim.RunUntil(() => a.Peer("bee").Condition == PeerCondition.Up, 5 * Second));
    }

    [Fact]
    public void Peer_Renamed_KeepsItsConnection()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Pair(sim, "corp");
        var since = a.Peer("b").ChangedNanos;

        a.Apply(config => config with { Peers = [config.Peers[0] with { Name = "bee" }] });
        Talk(sim, a, b, 0);

        Assert.Equal((PeerCondition.Up, since), (a.Peer("bee").Condition, a.Peer("bee").ChangedNanos));
        Assert.Equal(2, sim.Ledger.Arrived);
    }

    [Fact]
    public void Entry_ListsTheOwnAutomaticAddress_NodeMakesWay()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost(
            "a",
            1,
            TestIdentity.Get("a"),
            config => config with { Networks = [config.Networks[0] with { Addresses = [null, null] }] },
            new SimPeer("b"));
        var before = a.Snapshot.Networks[0].OwnAddresses[0];

        a.Apply(config => config with { Peers = [config.Peers[0] with { Addresses = [before.ToIPAddress()] }] });

        Assert.NotEqual(before, a.Snapshot.Networks[0].OwnAddresses[0]);
        a.Kill();
        a.Boot();
        Assert.NotEqual(before, a.Snapshot.Networks[0].OwnAddresses[0]);
    }

    internal static PeerConfig Entry(string name, int number) => new()
    {
        Name = name,
        Address = new HostPort(SimNetwork.Outer(number).Address.ToString(), 51820),
        Fingerprint = TestIdentity.Get(name).Node.Id,
        Networks = ["corp"],
    };

    private static NodeConfig With(NodeConfig config, int number, params string[] networks) => SimMesh.With(config, number, networks);

    private static NodeConfig WithRoutes(NodeConfig config, params string[] routes) =>
        config with { Networks = [config.Networks[0] with { Routes = [.. routes.Select(IPNetwork.Parse)] }] };

    private static IEnumerable<string> Announced(SimHost host) => host.Snapshot.Networks[0].Routes
        .Where(route => route.IsUsed && route.Source == RouteSource.Announced).Select(route => route.Prefix.ToString()).Order(StringComparer.Ordinal);

    private static (SimHost A, SimHost B) Pair(SimNetwork sim, params string[] networks)
    {
        var a = sim.AddHost("a", 1, TestIdentity.Get("a"), config => With(config, 1, networks), new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, TestIdentity.Get("b"), config => With(config, 2, networks), new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 10 * Second));
        sim.Run(Second);
        return (a, b);
    }

    private static (SimHost Node, RawPeer Peer) WithRaw(SimNetwork sim, params string[] others)
    {
        var a = sim.AddHost("a", 1, TestIdentity.Get("a"), config => With(config, 1, "corp"), [new SimPeer("raw"), .. others.Select(name => new SimPeer(name))]);
        var raw = new RawPeer(sim, "raw", 66);
        raw.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        return (a, raw);
    }

    /// <summary>One packet each way in each of these networks.</summary>
    private static void Talk(SimNetwork sim, SimHost a, SimHost b, params int[] networks)
    {
        foreach (var network in networks)
        {
            a.SendTo(b, network);
            b.SendTo(a, network);
        }

        sim.Run(Second);
    }
}
