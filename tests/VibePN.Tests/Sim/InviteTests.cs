using System.Net;
using VibePN.Config;
using VibePN.Identity;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Who comes with an invite gets in, once; nobody else does.</summary>
public sealed class InviteTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Joiner_WithAnInvite_IsUpAndKnownOnBothSides()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var invite = hub.Invite("bob", routes: "192.168.9.0/24");
        var joiner = AddJoiner(sim, "joiner", 2, invite);

        Assert.NotNull(sim.RunUntil(() => hub.IsUp(joiner) && joiner.IsUp(hub), 3 * Second));
        sim.Run(Second);
        joiner.SendTo(hub, 0);
        hub.SendTo(joiner, 0, v6: true);
        sim.Run(Second);

        Assert.Equal(2, sim.Ledger.Arrived);
        var bob = hub.Peer("bob");
        Assert.Equal((joiner.Id, PeerTrust.Invite), (bob.Id!.Value, bob.Trust!.Value));
        Assert.Equal(PeerTrust.Config, joiner.Peer("hub").Trust);
        var remembered = Assert.Single(hub.OnDisk.Trust.Peers);
        Assert.Equal(("bob", joiner.Id, invite.Id), (remembered.Name, remembered.Id, remembered.Invite!.Value));
        Assert.Equal([IPNetwork.Parse("192.168.9.0/24")], remembered.AllowRoutes);
        var used = Assert.Single(hub.OnDisk.Trust.Invites);
        Assert.Equal((joiner.Id, 0), (used.UsedBy!.Value, used.Key.Length));
        Assert.Empty(joiner.PendingJoins);
        AssertNoSecret(hub, invite);
        AssertNoSecret(joiner, invite);
    }

    [Fact]
    public void Joiner_WithoutAName_IsCalledWhatItCallsItself_AndNeverLikeAnother()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        for (var number = 2; number < 5; number++)
        {
            var joiner = AddJoiner(sim, "host" + number, number, hub.Invite(), config => config with { Node = config.Node with { Name = "Same.Name" } });
            Assert.NotNull(sim.RunUntil(() => hub.IsUp(joiner), 3 * Second));
        }

        Assert.Equal(["same", "same-2", "same-3"], hub.Snapshot.Peers.Select(peer => peer.Name));
    }

    [Fact]
    public void TwoJoiners_OneInvite_ExactlyOneGetsIn_100Times()
    {
        var winners = new HashSet<string>();
        for (var seed = 1; seed <= 100; seed++)
        {
            using var sim = new SimNetwork(seed) { DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(10), Jitter = TimeSpan.FromMilliseconds(10) } };
            var hub = sim.AddHost("hub", 1);
            var invite = hub.Invite();
            SimHost[] joiners = [AddJoiner(sim, "one", 2, invite), AddJoiner(sim, "two", 3, invite)];
            sim.Run(20 * Second);

            var peer = Assert.Single(hub.Snapshot.Peers);
            Assert.True(peer.Condition == PeerCondition.Up, $"seed {seed}: {peer.Condition}");
            var winner = joiners.Single(joiner => joiner.Id == peer.Id);
            var loser = joiners.Single(joiner => joiner != winner);
            Assert.True(winner.IsUp(hub), $"seed {seed}");
            Assert.Equal(PeerCondition.RefusedByPeer, loser.Peer("hub").Condition);
            Assert.Contains("used by another node", loser.Peer("hub").Reason, StringComparison.Ordinal);
            winners.Add(winner.Name);
        }

        Assert.Equal(2, winners.Count);
    }

    [Theory]
    [InlineData("used", "used by another node")]
    [InlineData("expired", "has expired")]
    [InlineData("revoked", "was revoked")]
    [InlineData("foreign", "not one of its own")]
    [InlineData("forged", "is forged")]
    [InlineData("copied", "is forged")]
    [InlineData("network", "no longer in the invite's network")]
    public void Invite_ThatIsNoGood_IsRefusedWithItsReasonAndLeavesNoState(string what, string reason)
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, sim.Identity("hub"), config => SimMesh.With(config, 1, "corp", "lab"));
        var other = sim.AddHost("other", 9);
        var invite = hub.Invite(lifetime: TimeSpan.FromMinutes(1), network: what == "network" ? "lab" : "corp");
        switch (what)
        {
            case "used":
                var first = AddJoiner(sim, "first", 5, invite);
                Assert.NotNull(sim.RunUntil(() => hub.IsUp(first), 3 * Second));
                break;
            case "expired":
                sim.Run(TimeSpan.FromSeconds(61));
                break;
            case "revoked":
                Assert.NotNull(hub.Node!.RevokeInvite(invite.Id, sim.Now));
                break;
            case "foreign":
                invite = other.Invite() with { Inviter = hub.Id, Addresses = invite.Addresses };
                break;
            case "forged":
                invite = invite with { Secret = new byte[Invite.SecretBytes] };
                break;
            case "network":
                hub.Apply(config => SimMesh.With(config, 1, "corp"));
                break;
        }

        var before = hub.Snapshot.Peers.Count;
        var joiner = sim.AddHost("joiner", 2, new SimPeer("hub", 1));
        var proof = InviteProof.Make(invite.Id, invite.Secret.Span, what == "copied" ? other.Id : joiner.Id, hub.Id);
        joiner.Present(hub.Id, proof);
        sim.Run(30 * Second);

        Assert.Equal(PeerCondition.RefusedByPeer, joiner.Peer("hub").Condition);
        Assert.Contains(reason, joiner.Peer("hub").Reason, StringComparison.Ordinal);
        Assert.Equal(before, hub.Snapshot.Peers.Count);
        Assert.Equal(before, hub.OnDisk.Trust.Peers.Count);
        Assert.Equal([hub.Id], joiner.PendingJoins);
    }

    /// <summary>1,000 statements that prove nothing: damaged, cut off, in pieces of others, of used and of foreign invites.</summary>
    [Fact]
    public void Statements_ThatProveNothing_AreRefused1000TimesAndLeaveNoState()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var (used, good, foreign) = (hub.Invite("first"), hub.Invite("good"), sim.AddHost("other", 9).Invite());
        var first = AddJoiner(sim, "first", 5, used);
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(first), 3 * Second));
        sim.Run(Second);
        var (before, lines) = (hub.OnDisk.Trust, hub.Logger.Lines.Count);
        var joiner = sim.AddHost("joiner", 2, new SimPeer("hub", 1));
        var dice = new Random(7);
        byte[] Sound(Invite invite, PeerId of) => InviteStatement.Encode(InviteProof.Make(invite.Id, invite.Secret.Span, of, hub.Id));
        for (var i = 0; i < 1000; i++)
        {
            var statement = Sound((i % 3) switch { 0 => used, 1 => foreign, _ => good }, i % 3 == 2 ? first.Id : joiner.Id);
            switch (i % 7)
            {
                case 0:
                    statement[dice.Next(statement.Length)] ^= (byte)(1 << dice.Next(8));
                    break;
                case 1:
                    statement = statement[..dice.Next(statement.Length)];
                    break;
                case 2:
                    dice.NextBytes(statement.AsSpan(1));
                    break;
                case 3:
                    statement = [.. statement[..17], .. statement[17..].Reverse()];
                    break;
                case 4:
                    statement = [.. statement, .. new byte[dice.Next(1, 300)]];
                    break;
            }

            joiner.Present(hub.Id, statement);
            sim.Run(TimeSpan.FromMilliseconds(20));
            Assert.False(joiner.IsUp(hub), $"number {i} got in");
        }

        sim.Run(30 * Second);
        Assert.Equal(["first"], hub.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Same(before, hub.OnDisk.Trust);
        Assert.Equal(1, hub.Snapshot.Connections);
        Assert.True(hub.Logger.Lines.Count < lines + 100, "strangers fill the log");
        joiner.Present(good);
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(joiner), 3 * Second));
    }

    /// <summary>The restart comes between invite and join, and again right after; a crash in between loses nothing that anybody was told.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Inviter_RestartedBeforeAndRightAfter_KnowsTheJoiner(bool hasDisk)
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var invite = hub.Invite("bob");
        hub.Kill();
        sim.Run(Second);
        hub.Boot();
        hub.Disk = hasDisk ? SimDisk.Works : SimDisk.Hangs;
        var joiner = AddJoiner(sim, "joiner", 2, invite);

        if (hasDisk)
        {
            Assert.NotNull(sim.RunUntil(() => joiner.IsUp(hub), 3 * Second));
        }
        else
        {
            // What is not on disk is told to nobody.
            Assert.NotNull(sim.RunUntil(() => hub.Node!.Memory.Trust.Peers.Count == 1, 3 * Second));
            sim.Run(2 * Second);
            Assert.False(joiner.IsUp(hub));
            Assert.Equal([hub.Id], joiner.PendingJoins);
        }

        hub.Kill();
        sim.Run(Second);
        hub.Disk = SimDisk.Works;
        hub.Boot();
        Assert.NotNull(sim.RunUntil(() => joiner.IsUp(hub) && hub.IsUp(joiner), TimeSpan.FromSeconds(60)));
        Assert.Equal((PeerTrust.Invite, joiner.Id), (hub.Peer("bob").Trust!.Value, hub.Peer("bob").Id!.Value));
    }

    [Fact]
    public void Inviter_CannotWriteItDown_NobodyGetsInAndTheInviteStaysGood()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var invite = hub.Invite("bob");
        hub.Disk = SimDisk.Fails;
        var joiner = AddJoiner(sim, "joiner", 2, invite);
        sim.Run(5 * Second);
        Assert.False(joiner.IsUp(hub));
        Assert.Contains("cannot write down", joiner.Peer("hub").Reason, StringComparison.Ordinal);
        Assert.Empty(hub.Snapshot.Peers);

        hub.Disk = SimDisk.Works;
        Assert.NotNull(sim.RunUntil(() => joiner.IsUp(hub) && hub.IsUp(joiner), TimeSpan.FromSeconds(90)));
    }

    [Fact]
    public void Joiner_Forgotten_IsCutOffAtOnceAndItsInviteIsOfNoUse()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var invite = hub.Invite("bob");
        var joiner = AddJoiner(sim, "joiner", 2, invite);
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(joiner) && joiner.IsUp(hub), 3 * Second));

        Assert.False(hub.Node!.ForgetPeer("joiner", sim.Now));
        Assert.True(hub.Node!.ForgetPeer("bob", sim.Now));
        Assert.NotNull(sim.RunUntil(() => !joiner.IsUp(hub), TimeSpan.FromMilliseconds(50)));
        joiner.Present(invite);
        sim.Run(20 * Second);

        Assert.Empty(hub.Snapshot.Peers);
        Assert.Empty(hub.OnDisk.Trust.Peers);
        Assert.False(joiner.IsUp(hub));
        Assert.Contains("revoked", joiner.Peer("hub").Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Joiner_AnnouncesRoutes_OnlyThoseOfTheInviteAreTaken()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var invite = hub.Invite(routes: "192.168.20.0/24");
        var joiner = AddJoiner(sim, "joiner", 2, invite, config => config with
        {
            Networks = [config.Networks[0] with { Routes = [IPNetwork.Parse("192.168.20.0/24"), IPNetwork.Parse("192.168.21.0/24")] }],
        });
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(joiner), 3 * Second));
        sim.Run(Second);

        var routes = hub.Snapshot.Networks[0].Routes;
        Assert.True(routes.Single(route => route.Prefix == Prefix.FromIPNetwork(IPNetwork.Parse("192.168.20.0/24"))).IsUsed);
        Assert.False(routes.Single(route => route.Prefix == Prefix.FromIPNetwork(IPNetwork.Parse("192.168.21.0/24"))).IsUsed);
    }

    [Fact]
    public void Joiner_InAnotherNetworkOfTheHub_IsNotTold()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, sim.Identity("hub"), config => SimMesh.With(config, 1, "corp", "lab"));
        var joiner = AddJoiner(sim, "joiner", 2, hub.Invite(), config => SimMesh.With(config, 2, "corp", "lab"));
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(joiner), 3 * Second));
        sim.Run(Second);

        Assert.Equal(["corp"], joiner.Peer("hub").Networks);
        Assert.Contains("lab", joiner.Peer("hub").NetworkProblems.Keys);
    }

    [Fact]
    public void Config_PinsAJoinerLater_ItIsOnePeerAndStaysConnected()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var invite = hub.Invite("bob");
        var joiner = AddJoiner(sim, "joiner", 2, invite);
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(joiner), 3 * Second));
        var since = hub.Peer("bob").ChangedNanos;

        hub.Apply(config => config with { Peers = [new PeerConfig { Name = "robert", Fingerprint = joiner.Id, Networks = ["corp"] }] });
        sim.Run(Second);

        var peer = Assert.Single(hub.Snapshot.Peers);
        Assert.Equal(("robert", PeerTrust.Config, since), (peer.Name, peer.Trust, peer.ChangedNanos));
        Assert.Empty(hub.OnDisk.Trust.Peers);

        // And when the file lets it go, it does not come back by the invite of then.
        hub.Apply(config => config with { Peers = [] });
        sim.Run(Second);
        joiner.Present(invite);
        sim.Run(20 * Second);
        Assert.Empty(hub.Snapshot.Peers);
        Assert.Contains("revoked", joiner.Peer("hub").Reason, StringComparison.Ordinal);
    }

    /// <summary>The joiner's config names the inviter by its key of now, the invite by its first one: it is the same node.</summary>
    [Fact]
    public void Joiner_KnowsTheInviterByAnotherKey_PresentsTheInviteToIt()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, new SimPeer("joiner"));
        var joiner = sim.AddHost("joiner", 2, new SimPeer("hub", 1));
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(joiner) && joiner.IsUp(hub), 3 * Second));
        var successor = sim.Identity("hub").Succeed("hub2", sim.Now.UtcSeconds + 600);
        hub.ChangeKey(successor);
        sim.Run(10 * Second);
        var invite = hub.Invite("bob");
        hub.Apply(config => config with { Peers = [] });
        joiner.Apply(config => config with { Peers = [config.Peers[0] with { Fingerprint = successor.Node.Lineage.Current }] });
        sim.Run(Second);
        Assert.False(hub.IsUp(joiner));
        joiner.Present(invite);
        Assert.NotNull(sim.RunUntil(() => joiner.PendingJoins.Any() == false && hub.Snapshot.Peers.Any(peer => peer is { Name: "bob", Condition: PeerCondition.Up }), 5 * Second));
    }

    /// <summary>Three joins at one hub; each talks with the hub.</summary>
    [Fact]
    public void Hub_ThreeJoiners_AllAreUp()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        SimHost[] joiners = [.. Enumerable.Range(2, 3).Select(number => AddJoiner(sim, "j" + number, number, hub.Invite()))];
        Assert.NotNull(sim.RunUntil(() => joiners.All(joiner => joiner.IsUp(hub) && hub.IsUp(joiner)), 3 * Second));
        sim.Run(Second);
        foreach (var joiner in joiners)
        {
            joiner.SendTo(hub, 0);
            hub.SendTo(joiner, 0);
        }

        sim.Run(Second);
        Assert.Equal(6, sim.Ledger.Arrived);
    }

    /// <summary>As <c>vibepn join</c> leaves a host: the inviter is in its config, and its statement is there.</summary>
    private static SimHost AddJoiner(SimNetwork sim, string name, int number, Invite invite, Func<NodeConfig, NodeConfig>? change = null)
    {
        var joiner = sim.AddHost(name, number, sim.Identity(name), change ?? (config => config), new SimPeer(invite.InviterName, 1, invite.Inviter));
        joiner.Present(invite);
        return joiner;
    }

    private static void AssertNoSecret(SimHost host, Invite invite)
    {
        var text = string.Join('\n', host.Logger.Lines) + host.Snapshot;
        Assert.DoesNotContain(Convert.ToHexString(invite.Secret.Span), text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Convert.ToBase64String(invite.Secret.Span), text, StringComparison.Ordinal);
    }
}
