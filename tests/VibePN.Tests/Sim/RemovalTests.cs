using VibePN.Config;
using VibePN.Control;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Who was removed is out, by whatever it was let in and by whichever of its keys; and what a peer can do to the log and to names.</summary>
public sealed class RemovalTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>The one entry of a file that has no fingerprint: its node is not introduced either when the entry goes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FirstUse_EntryTakenOut_NoIntroductionBringsItBack(bool isWhileStopped)
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var bob = AddJoiner(sim, "bob", 2, hub);
        var carol = AddJoiner(sim, "carol", 3, hub);
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob) && bob.IsUp(carol), 20 * Second));
        carol.Apply(config => config with
        {
            Node = config.Node with { Trust = TrustMode.FirstUse },
            Peers = [.. config.Peers, new PeerConfig { Name = "robert", Address = new HostPort("192.0.2.2", 51820), Networks = ["corp"] }],
        });
        Assert.NotNull(sim.RunUntil(() => carol.Snapshot.Peers.Any(peer => peer.Name == "robert" && peer.Trust == PeerTrust.FirstUse), 20 * Second));
        sim.Run(Second);

        Func<NodeConfig, NodeConfig> without = config => config with { Peers = [config.Peers[0]] };
        if (isWhileStopped)
        {
            carol.Kill();
            carol.ChangeConfig(without);
            carol.Boot();
        }
        else
        {
            carol.Apply(without);
        }

        sim.Run(60 * Second);
        Assert.True(carol.IsUp(hub));
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Equal(bob.Id, Assert.Single(carol.OnDisk.Introductions.KeptOut).Id);

        // As an entry without a fingerprint let it in before, it does again.
        carol.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = "robert", Address = new HostPort("192.0.2.2", 51820), Networks = ["corp"] }] });
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob), 90 * Second));
        Assert.Empty(carol.Snapshot.KeptOut);
    }

    /// <summary>An introducer names the second key of a node, which then joins by an invite: inside it is known by that key, in the memory by its first.</summary>
    [Fact]
    public void Joined_WasIntroducedByItsLaterKey_IsRemovedAtOnce()
    {
        using var sim = new SimNetwork(1);
        var (node, evil) = WithRawIntroducer(sim);
        var rotated = sim.Identity("bob").Succeed("bob2", sim.Now.UtcSeconds + 3600);
        evil.Say(new Members([new MemberOffer(rotated.Node.Lineage.Current, "bob", ["corp"], [])], [], IsComplete: true));
        sim.Run(2 * Second);
        var bob = sim.AddHost("bob", 2, new SimPeer("node", 1));
        bob.ChangeKey(rotated);
        Assert.NotNull(sim.RunUntil(() => node.IsUp(bob) || node.Peer("bob").Condition == PeerCondition.Up, 30 * Second));
        bob.Present(node.Invite("bob"));
        Assert.NotNull(sim.RunUntil(() => node.Peer("bob").Trust == PeerTrust.Invite, 30 * Second));

        Assert.True(node.Node!.ForgetPeer("bob", sim.Now));
        node.Flush();
        sim.Run(30 * Second);
        Assert.Equal(["evil"], node.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Empty(node.OnDisk.Trust.Peers);
        Assert.False(bob.IsUp(node));
    }

    /// <summary>
    /// An entry that is no peer, for want of a fingerprint, has a name as well; an introduced member and a joiner that both want it get others.
    /// </summary>
    [Fact]
    public void Joiner_CalledAsAnEntryWithoutAPin_GetsANameOfItsOwn()
    {
        using var sim = new SimNetwork(1);
        var (node, evil) = WithRawIntroducer(sim);
        node.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = "bob", Networks = ["corp"] }] });
        evil.Say(new Members([new MemberOffer(PeerId.OfCertificate([1]), "bob", ["corp"], [])], [], IsComplete: true));
        sim.Run(2 * Second);
        var bob = sim.AddHost("bob", 2, new SimPeer("node", 1));
        bob.Present(node.Invite());
        Assert.NotNull(sim.RunUntil(() => node.IsUp(bob) && bob.IsUp(node), 30 * Second));
        Assert.Equal(["bob-2", "bob-3", "evil"], node.Snapshot.Peers.Select(peer => peer.Name).Where(name => name != "bob").Order());
    }

    /// <summary>A peer that comes and goes all the time fills no log by it.</summary>
    [Fact]
    public void Peer_ComesAndGoes_TheLogStaysReadable()
    {
        using var sim = new SimNetwork(1);
        var (node, evil) = WithRawIntroducer(sim);
        for (var i = 0; i < 300; i++)
        {
            evil.Connect(node);
            evil.SayHello("evil");
            evil.SayNetworks(("corp", "10.42.0.0/24", 9, ["10.42.0.66"]));
            sim.Run(TimeSpan.FromMilliseconds(100));
            Assert.Equal(PeerCondition.Up, node.Peer("evil").Condition);
            evil.Connection!.Close((ulong)CloseReason.Goodbye, "later");
            evil.Flush();
            sim.Run(TimeSpan.FromMilliseconds(100));
        }

        // Of two calendar minutes at most.
        Assert.InRange(node.Logger.Lines.Count(line => line.Contains("evil", StringComparison.Ordinal)), 1, 2 * (Limits.LogLinesPerPeerAndMinute + 2));
    }

    /// <summary>A copied disk: two hosts with one key push each other out, and who meets both says so.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Host_WasCopied_PeersAndTheTwoSaySo(int seed)
    {
        using var sim = new SimNetwork(seed);
        var hub = sim.AddHost("hub", 1, new SimPeer("bob"));
        var bob = sim.AddHost("bob", 2, new SimPeer("hub", 1));
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(bob), 10 * Second));
        bob.Kill();
        bob.Boot();
        sim.Run(10 * Second);
        bob.Kill();
        bob.Boot();
        sim.Run(10 * Second);
        Assert.Null(hub.Peer("bob").CopiesAt);

        var copy = sim.AddHost("copy", 3, sim.Identity("bob"), new SimPeer("hub", 1));
        Assert.NotNull(sim.RunUntil(() => hub.Peer("bob").CopiesAt is not null, 30 * Second));
        Assert.Equal("192.0.2.2:51820 and 192.0.2.3:51820", hub.Peer("bob").CopiesAt);
        Assert.NotNull(sim.RunUntil(() => copy.Peer("hub").Reason.Contains("this node's key", StringComparison.Ordinal), 10 * Second));
        Assert.NotNull(sim.RunUntil(() => bob.Peer("hub").Reason.Contains("this node's key", StringComparison.Ordinal), 10 * Second));
        sim.Run(60 * Second);
        Assert.Single(hub.Logger.Lines, line => line.Contains("Two hosts run with the key of peer bob", StringComparison.Ordinal));

        copy.Kill();
        sim.Run(360 * Second);
        Assert.True(hub.IsUp(bob));
        Assert.Null(hub.Peer("bob").CopiesAt);
    }

    private static SimHost AddJoiner(SimNetwork sim, string name, int number, SimHost hub)
    {
        var host = sim.AddHost(name, number, sim.Identity(name), config => config with { Peers = [config.Peers[0] with { Introduces = true }] }, new SimPeer("hub", 1));
        host.Present(hub.Invite(name));
        return host;
    }

    private static (SimHost Node, RawPeer Evil) WithRawIntroducer(SimNetwork sim)
    {
        var node = sim.AddHost("node", 1, sim.Identity("node"), config => config with { Peers = [config.Peers[0] with { Introduces = true }] }, new SimPeer("evil"));
        var evil = new RawPeer(sim, "evil", 66);
        evil.Join(node, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        return (node, evil);
    }
}
