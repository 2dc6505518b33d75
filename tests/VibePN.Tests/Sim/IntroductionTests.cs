using System.Net;
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Members that an introducer vouches for, and what it cannot do by it.</summary>
public sealed class IntroductionTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>Four hosts, three joins: everybody reaches everybody, and goes on doing so without the hub.</summary>
    [Fact]
    public void Joiners_OfOneHub_AreAFullMesh_8Seeds()
    {
        var longest = TimeSpan.Zero;
        for (var seed = 1; seed <= 8; seed++)
        {
            using var sim = new SimNetwork(seed) { Cast = seed % 4, DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(15), Jitter = TimeSpan.FromMilliseconds(15), Loss = seed % 2 * 0.02 } };
            var hub = sim.AddHost("hub", 1);
            List<SimHost> hosts = [hub];
            for (var number = 2; number < 5; number++)
            {
                hosts.Add(AddJoiner(sim, number, hub));
                sim.Run(TimeSpan.FromMilliseconds(100));
            }

            var took = sim.Await(() => IsMesh(hosts), 20 * Second);
            Assert.True(took is not null, $"seed {seed}: {Missing(hosts)}");
            longest = took > longest ? took.Value : longest;
            sim.Run(3 * Second);
            foreach (var joiner in hosts.Skip(1))
            {
                Assert.Equal(3, joiner.Snapshot.Connections);
                Assert.All(joiner.Snapshot.Peers.Skip(1), peer => Assert.Equal((PeerTrust.Introduction, "hub"), (peer.Trust!.Value, Assert.Single(peer.IntroducedBy))));
            }

            hub.Kill();
            sim.Run(40 * Second);
            var before = sim.Ledger.Arrived;
            foreach (var from in hosts.Skip(1))
            {
                foreach (var to in hosts.Skip(1).Where(to => to != from))
                {
                    from.SendTo(to, 0);
                }
            }

            sim.Run(2 * Second);
            Assert.True(sim.Ledger.Arrived == before + 6 || seed % 2 == 1, $"seed {seed}: {sim.Ledger.Arrived - before} of 6");
            Assert.True(IsMesh([.. hosts.Skip(1)]), $"seed {seed}: {Missing([.. hosts.Skip(1)])}");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"the last of 8 meshes was whole {longest.TotalSeconds:F2} s after the last join");
    }

    /// <summary>All are started at once, each with an invite of its own.</summary>
    [Fact]
    public void Joiners_32AtOnce_AreAFullMesh()
    {
        using var sim = new SimNetwork(7) { DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(10), Jitter = TimeSpan.FromMilliseconds(5) } };
        var hub = sim.AddHost("hub", 1);
        List<SimHost> hosts = [hub];
        for (var number = 2; number <= 32; number++)
        {
            hosts.Add(AddJoiner(sim, number, hub));
        }

        var took = sim.Await(() => IsMesh(hosts), 30 * Second);
        Assert.True(took is not null, Missing(hosts));
        TestContext.Current.TestOutputHelper?.WriteLine($"32 hosts were a mesh after {took.Value.TotalSeconds:F2} s");
    }

    /// <summary>Nobody forgets anybody: members that are known stay, also while they are away from an introducer that has just started.</summary>
    [Fact]
    public void Introducer_Restarts_NobodyIsCutOff()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        var since = bob.Peer("carol").ChangedNanos;

        // Carol cannot reach the hub: what is known of her is on its disk.
        sim.Silence(hub, carol, isSilent: true);
        hub.Kill();
        sim.Run(Second);
        hub.Boot();
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(bob), 60 * Second));
        sim.Run(10 * Second);
        Assert.Equal((PeerCondition.Up, since), (bob.Peer("carol").Condition, bob.Peer("carol").ChangedNanos));

        sim.Silence(hub, carol, isSilent: false);
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(carol), 60 * Second));
        sim.Run(10 * Second);
        Assert.Equal((PeerCondition.Up, since), (bob.Peer("carol").Condition, bob.Peer("carol").ChangedNanos));
    }

    [Fact]
    public void Member_RestartsWhileTheIntroducerIsAway_FindsTheOthers()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        hub.Kill();
        bob.Kill();
        carol.Kill();
        sim.Run(Second);
        bob.Boot();
        carol.Boot();
        Assert.NotNull(sim.RunUntil(() => bob.IsUp(carol) && carol.IsUp(bob), 10 * Second));
    }

    /// <summary>The address that the introducer sees is what the others dial.</summary>
    [Fact]
    public void Member_ComesBackElsewhere_IsFoundThere()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        bob.Kill();
        sim.Run(40 * Second);
        bob.Move(77, isTold: false);
        bob.Boot();
        sim.Silence(bob, carol, isSilent: true, thither: true, back: false);
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(bob), 30 * Second));
        sim.Run(2 * Second);
        Assert.Contains("192.0.2.77:51820", string.Join(' ', carol.OnDisk.Introductions.Peers.SelectMany(peer => peer.EndPoints)), StringComparison.Ordinal);
        sim.Silence(bob, carol, isSilent: false, thither: true, back: false);
        Assert.NotNull(sim.RunUntil(() => bob.IsUp(carol) && carol.IsUp(bob), 30 * Second));
    }

    /// <summary>Each that is told takes it into use and writes it down: one member must not keep all the others at that.</summary>
    [Fact]
    public void Member_MovesAllTheTime_OthersAreToldEveryTenSeconds()
    {
        using var sim = new SimNetwork(1);
        var (_, bob, carol) = Mesh(sim);
        string Told() => string.Join(' ', carol.OnDisk.Introductions.Peers.Single(peer => peer.Id == bob.Id).EndPoints);
        var (known, changes) = (Told(), 0);
        Assert.Equal("192.0.2.2:51820", known);
        sim.Run(20 * Second);
        for (var i = 0; i < 40; i++)
        {
            bob.Move(100 + i);
            sim.Run(TimeSpan.FromMilliseconds(500));
            changes += Told() == known ? 0 : 1;
            known = Told();
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"40 moves in 20 s: carol was told {changes} times");
        Assert.InRange(changes, 1, 5);
        Assert.NotNull(sim.RunUntil(() => Told() == "192.0.2.139:51820", 12 * Second));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Introducer_RemovesAMember_ItIsCutOffEverywhereWithinASecond(bool isInFile)
    {
        using var sim = new SimNetwork(1) { DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(50) } };
        var (hub, bob, carol) = Mesh(sim);
        if (isInFile)
        {
            hub.Apply(config => config with { Peers = [new PeerConfig { Name = "robert", Fingerprint = bob.Id, Networks = ["corp"] }] });
            sim.Run(Second);
            Assert.True(carol.IsUp(bob));
            hub.Apply(config => config with { Peers = [] });
        }
        else
        {
            Assert.True(hub.Node!.ForgetPeer("bob", sim.Now));
            hub.Flush();
        }

        var took = sim.RunUntil(() => carol.Snapshot.Peers.All(peer => peer.Id != bob.Id), Second);
        Assert.NotNull(took);
        TestContext.Current.TestOutputHelper?.WriteLine($"cut off after {took.Value.TotalMilliseconds:F0} ms over lines of 50 ms");
        sim.Run(60 * Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.False(bob.IsUp(carol));
        Assert.Empty(carol.OnDisk.Introductions.Peers);
        Assert.Empty(carol.OnDisk.Introductions.KeptOut);
    }

    [Fact]
    public void Introducer_RemovesAMember_WhoWasAwayLearnsItWhenItIsBack()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        sim.Silence(hub, carol, isSilent: true);
        sim.Run(40 * Second);
        Assert.True(hub.Node!.ForgetPeer("bob", sim.Now));
        sim.Run(5 * Second);
        Assert.True(carol.IsUp(bob));
        sim.Silence(hub, carol, isSilent: false);
        Assert.NotNull(sim.RunUntil(() => !carol.IsUp(bob), 60 * Second));
        sim.Run(5 * Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
    }

    [Fact]
    public void Member_RemovedHere_StaysOutOverRestarts_UntilItIsLetInAgain()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);

        Assert.True(carol.Node!.ForgetPeer("bob", sim.Now));
        Assert.NotNull(sim.RunUntil(() => !bob.IsUp(carol), Second));
        carol.Kill();
        sim.Run(Second);
        carol.Boot();
        hub.Kill();
        sim.Run(Second);
        hub.Boot();
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(hub) && hub.IsUp(bob), 60 * Second));
        sim.Run(60 * Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Equal(("bob", bob.Id), (Assert.Single(carol.Snapshot.KeptOut).Name, carol.Snapshot.KeptOut[0].Id));
        Assert.False(bob.IsUp(carol));

        Assert.False(carol.Node!.LetPeerIn("nobody", sim.Now));
        Assert.True(carol.Node!.LetPeerIn("bob", sim.Now));
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob) && bob.IsUp(carol), 90 * Second));
        Assert.Empty(carol.Snapshot.KeptOut);
    }

    /// <summary>With the list of those who are kept out damaged nobody is let in by introduction; the others keep the node, and take it back.</summary>
    [Fact]
    public void Member_RemovedHere_StaysOutWhileTheListIsDamaged()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        var dave = AddJoiner(sim, 5, hub, name: "dave");
        Assert.NotNull(sim.Await(() => IsMesh([hub, bob, carol, dave]), 20 * Second));
        Assert.True(carol.Node!.ForgetPeer("bob", sim.Now));
        sim.Run(Second);
        carol.Restart(memory => memory with { Introductions = IntroductionMemory.Empty with { IsLost = true } });
        sim.Run(60 * Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.True(carol.IsUp(hub) && hub.IsUp(carol));
        Assert.Contains(dave.Snapshot.Peers, peer => peer.Name == "carol");

        // The file is put back.
        carol.Restart(memory => memory with { Introductions = IntroductionMemory.Empty with { KeptOut = [new KeptOutPeer(bob.Id, "bob", 1)] } });
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(dave) && dave.IsUp(carol), 60 * Second));
        sim.Run(30 * Second);
        Assert.Equal(["hub", "dave"], carol.Snapshot.Peers.Select(peer => peer.Name));
    }

    /// <summary>Whom the config file lets go does not come back by an introduction.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Member_TakenOutOfTheFile_StaysOut(bool isWhileStopped)
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        carol.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = "robert", Fingerprint = bob.Id, Networks = ["corp"] }] });
        sim.Run(Second);
        Assert.Equal((PeerTrust.Config, PeerCondition.Up), (carol.Peer("robert").Trust!.Value, carol.Peer("robert").Condition));
        Assert.Equal(2, carol.Snapshot.Peers.Count);

        if (isWhileStopped)
        {
            carol.Kill();
            carol.ChangeConfig(config => config with { Peers = [config.Peers[0]] });
            carol.Boot();
        }
        else
        {
            carol.Apply(config => config with { Peers = [config.Peers[0]] });
        }

        sim.Run(30 * Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.True(carol.IsUp(hub));
        Assert.False(bob.IsUp(carol));
        Assert.Equal(bob.Id, Assert.Single(carol.OnDisk.Introductions.KeptOut).Id);

        // And the file's word lets it in again.
        carol.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = "robert", Fingerprint = bob.Id, Networks = ["corp"] }] });
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob), 90 * Second));
        Assert.Empty(carol.Snapshot.KeptOut);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Introducer_NoLongerOne_ItsMembersAreForgottenAtOnce(bool isEntryGone)
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        carol.Apply(config => config with { Peers = isEntryGone ? [] : [config.Peers[0] with { Introduces = false }] });
        Assert.NotNull(sim.RunUntil(() => !bob.IsUp(carol), Second));
        sim.Run(30 * Second);
        Assert.Equal(isEntryGone ? [] : ["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Empty(carol.OnDisk.Introductions.Peers);

        if (!isEntryGone)
        {
            // Nobody is introduced to it, so it is not introduced to anybody.
            Assert.Equal(["hub"], bob.Snapshot.Peers.Select(peer => peer.Name));
            carol.Apply(config => config with { Peers = [config.Peers[0] with { Introduces = true }] });
            Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob) && bob.IsUp(carol), 10 * Second));

            // Undone before anybody was told.
            carol.Apply(config => config with { Peers = [config.Peers[0] with { Introduces = false }] });
            carol.Apply(config => config with { Peers = [config.Peers[0] with { Introduces = true }] });
            Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob) && bob.IsUp(carol), 20 * Second));
        }
    }

    /// <summary>Whom somebody has introduced joins by this node's own invite: it is the same peer, by the invite, and stays it when the introducer takes it back.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Introduced_JoinsByAnInvite_IsInvitedAndWasNeverAway(bool hasDisk)
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        var since = carol.Peer("bob").ChangedNanos;
        var invite = carol.Invite("bob", routes: "192.168.20.0/24");
        bob.Apply(config => config with
        {
            Networks = [config.Networks[0] with { Routes = [IPNetwork.Parse("192.168.20.0/24")] }],
            Peers = [.. config.Peers, new PeerConfig { Name = "carol", Fingerprint = carol.Id, Address = new HostPort("192.0.2.3", 51820), Networks = ["corp"] }],
        });
        carol.Disk = hasDisk ? SimDisk.Works : SimDisk.Fails;
        bob.Present(invite);
        sim.Run(5 * Second);
        if (!hasDisk)
        {
            Assert.Equal((PeerTrust.Introduction, PeerCondition.Up, since), (carol.Peer("bob").Trust!.Value, carol.Peer("bob").Condition, carol.Peer("bob").ChangedNanos));
            Assert.Equal([carol.Id], bob.PendingJoins);
            return;
        }

        Assert.Equal((PeerTrust.Invite, PeerCondition.Up, since), (carol.Peer("bob").Trust!.Value, carol.Peer("bob").Condition, carol.Peer("bob").ChangedNanos));
        Assert.Equal(invite.Id, Assert.Single(carol.OnDisk.Trust.Peers).Invite);
        Assert.Empty(bob.PendingJoins);
        Assert.Contains(carol.Snapshot.Networks[0].Routes, route => route.Peer == bob.Id && route is { IsUsed: true, Prefix.IsHost: false });
        Assert.Equal(1, bob.Snapshot.Peers.Count(peer => peer.Id == carol.Id));

        // The introducer has no say in it any more, and its word changes nothing back.
        Assert.True(hub.Node!.ForgetPeer("bob", sim.Now));
        sim.Run(5 * Second);
        Assert.Equal((PeerTrust.Invite, since), (carol.Peer("bob").Trust!.Value, carol.Peer("bob").ChangedNanos));
        Assert.True(carol.IsUp(bob) && bob.IsUp(carol));
    }

    /// <summary>An invite that is no good takes nothing from an introduction.</summary>
    [Fact]
    public void Introduced_ShowsAnInviteThatIsOver_StaysIntroduced()
    {
        using var sim = new SimNetwork(1);
        var (_, bob, carol) = Mesh(sim);
        var invite = carol.Invite("bob");
        Assert.NotNull(carol.Node!.RevokeInvite(invite.Id, sim.Now));
        bob.Present(invite);
        sim.Run(30 * Second);
        Assert.Equal((PeerTrust.Introduction, PeerCondition.Up), (carol.Peer("bob").Trust!.Value, carol.Peer("bob").Condition));
        Assert.True(bob.IsUp(carol));
    }

    /// <summary>An entry that trusts on first use meets whom somebody has introduced: it is that one, with the connection that there is.</summary>
    [Fact]
    public void Introduced_AnswersForAnEntryOfFirstUse_IsPinnedAndWasNeverAway()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        var since = carol.Peer("bob").ChangedNanos;
        carol.Apply(config => config with
        {
            Node = config.Node with { Trust = TrustMode.FirstUse },
            Peers = [.. config.Peers, new PeerConfig { Name = "robert", Address = new HostPort("192.0.2.2", 51820), Networks = ["corp"] }],
        });
        Assert.NotNull(sim.RunUntil(() => carol.Snapshot.Peers.Any(peer => peer is { Name: "robert", Condition: PeerCondition.Up }), 10 * Second));
        sim.Run(5 * Second);
        Assert.Equal(["hub", "robert"], carol.Snapshot.Peers.Select(peer => peer.Name).Order());
        Assert.Equal((bob.Id, PeerTrust.FirstUse, since), (carol.Peer("robert").Id!.Value, carol.Peer("robert").Trust!.Value, carol.Peer("robert").ChangedNanos));
        Assert.Equal(bob.Id, Assert.Single(carol.OnDisk.Trust.Peers).Id);
        Assert.True(hub.Node!.ForgetPeer("bob", sim.Now));
        sim.Run(5 * Second);
        Assert.Equal((PeerTrust.FirstUse, since), (carol.Peer("robert").Trust!.Value, carol.Peer("robert").ChangedNanos));
        carol.SendTo(bob, 0);
        bob.SendTo(carol, 0);
        var before = sim.Ledger.Arrived;
        sim.Run(Second);
        Assert.Equal(before + 2, sim.Ledger.Arrived);
    }

    /// <summary>A member changes its mind, or asks again, as fast as the line takes it: neither it nor the others are told more often than every 10 s.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Member_AsksAllTheTime_IsHeardAtAPace(bool changesItsMind)
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, new SimPeer("evil"), new SimPeer("b"), new SimPeer("c"));
        var b = sim.AddHost("b", 2, sim.Identity("b"), Trusting, new SimPeer("hub", 1));
        var c = sim.AddHost("c", 3, sim.Identity("c"), Trusting, new SimPeer("hub", 1));
        var evil = new RawPeer(sim, "evil", 66);

        // It has one connection, and that is the hub's.
        sim.Silence(b, evil, isSilent: true);
        sim.Silence(c, evil, isSilent: true);
        Assert.NotNull(sim.RunUntil(() => b.IsUp(c) && c.IsUp(b), 10 * Second));
        sim.Run(3 * Second);
        evil.Join(hub, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        var (written, taken, told) = (hub.Node!.Memory.Trust.Version, b.Node!.Memory.Trust.Version, evil.Messages.OfType<Members>().Count());
        for (var i = 0; i < 1000; i++)
        {
            evil.Say(new Members([], [], IsComplete: false, Asks: !changesItsMind || i % 2 == 1));
            sim.Run(TimeSpan.FromMilliseconds(30));
        }

        Assert.Null(evil.Closed);
        Assert.InRange(hub.Node!.Memory.Trust.Version - written, 1, 5);
        Assert.InRange(b.Node!.Memory.Trust.Version - taken, 1, 5);
        Assert.InRange(evil.Messages.OfType<Members>().Count() - told, 1, 6);

        // The last word counts.
        sim.Run(11 * Second);
        Assert.Contains(b.Snapshot.Peers, peer => peer.Name == "evil");
        var last = evil.Messages.OfType<Members>().Last();
        Assert.Equal("b c True", $"{string.Join(" ", last.Present.Select(member => member.Name).Order(StringComparer.Ordinal))} {last.IsComplete}");
        evil.Say(new Members([], [], IsComplete: false, Asks: false));
        sim.Run(11 * Second);
        Assert.DoesNotContain(b.Snapshot.Peers, peer => peer.Name == "evil");
        Assert.True(b.IsUp(c) && c.IsUp(b));
    }

    /// <summary>It talks with the inviter alone, and is nobody's business.</summary>
    [Fact]
    public void Joiner_WithoutIntroductions_IsNotIntroduced()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        var dave = AddJoiner(sim, 5, hub, introduces: false);
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(dave) && dave.IsUp(hub), 3 * Second));
        sim.Run(10 * Second);
        Assert.Equal(["hub"], dave.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Equal(["hub", "carol"], bob.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Equal(2, carol.Snapshot.Peers.Count);
    }

    /// <summary>One hop: whom bob invites is not introduced by the hub, nor by bob to the hub's.</summary>
    [Fact]
    public void Introduced_IntroducesNobody()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        var dave = sim.AddHost("dave", 5, sim.Identity("dave"), Trusting, new SimPeer("bob", 2));
        dave.Present(bob.Invite("dave"));
        Assert.NotNull(sim.RunUntil(() => bob.IsUp(dave) && dave.IsUp(bob), 5 * Second));
        sim.Run(10 * Second);
        Assert.Equal(["bob"], dave.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Equal(["hub", "bob"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.DoesNotContain(hub.Snapshot.Peers, peer => peer.Id == dave.Id);
    }

    /// <summary>Members are told of each other in the networks that both share with the introducer, and packets flow in no other.</summary>
    [Fact]
    public void Members_ShareOneNetworkOfTwo_AreJoinedInThatOne()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1, sim.Identity("hub"), config => SimMesh.With(config, 1, "corp", "lab"));
        SimHost Join(string name, int number, params string[] networks)
        {
            var host = sim.AddHost(name, number, sim.Identity(name), config => Trusting(SimMesh.With(config, number, networks)), new SimPeer("hub", 1));
            hub.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = name, Fingerprint = host.Id, Networks = networks }] });
            return host;
        }

        var both = Join("both", 2, "corp", "lab");
        var corp = Join("corp", 3, "corp");
        var lab = Join("lab", 4, "lab");
        Assert.NotNull(sim.RunUntil(() => both.IsUp(corp) && both.IsUp(lab), 10 * Second));
        sim.Run(5 * Second);
        Assert.Equal(["corp"], both.Peer("corp").Networks);
        Assert.Equal(["lab"], both.Peer("lab").Networks);
        Assert.Equal(["hub", "both"], corp.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Equal(["hub", "both"], lab.Snapshot.Peers.Select(peer => peer.Name));

        // The introducer's entry at the receiver bounds it as well.
        both.Apply(config => config with { Peers = [config.Peers[0] with { Networks = ["corp"] }] });
        Assert.NotNull(sim.RunUntil(() => !both.IsUp(lab), Second));
        sim.Run(5 * Second);
        Assert.True(both.IsUp(corp));
        both.Apply(config => config with { Peers = [config.Peers[0] with { Networks = ["corp", "lab"] }] });
        Assert.NotNull(sim.RunUntil(() => both.IsUp(lab) && lab.IsUp(both), 30 * Second));
    }

    [Fact]
    public void Introduced_AnnouncesRoutes_NoneIsTaken()
    {
        using var sim = new SimNetwork(1);
        var hub = sim.AddHost("hub", 1);
        var carol = AddJoiner(sim, 3, hub, name: "carol");
        var bob = sim.AddHost(
            "bob",
            2,
            sim.Identity("bob"),
            config => Trusting(config) with { Networks = [config.Networks[0] with { Routes = [IPNetwork.Parse("192.168.20.0/24")] }] },
            new SimPeer("hub", 1));
        bob.Present(hub.Invite("bob", routes: "192.168.20.0/24"));
        Assert.NotNull(sim.Await(() => IsMesh([hub, bob, carol]), 10 * Second));
        sim.Run(2 * Second);
        Assert.Contains(hub.Snapshot.Networks[0].Routes, route => route.Peer == bob.Id && route is { IsUsed: true, Prefix.IsHost: false });
        Assert.DoesNotContain(carol.Snapshot.Networks[0].Routes, route => route.Peer == bob.Id && route is { IsUsed: true, Prefix.IsHost: false });
        Assert.Contains(carol.Snapshot.Networks[0].Routes, route => route.Peer == bob.Id && route is { IsUsed: true, Prefix.IsHost: true });
    }

    [Fact]
    public void Members_OfANonIntroducer_AreRefusedAndCounted()
    {
        using var sim = new SimNetwork(1);
        var node = sim.AddHost("node", 1, new SimPeer("evil"));
        var evil = new RawPeer(sim, "evil", 66);
        evil.Join(node, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        evil.Say(new Members([Member("a"), Member("b")], [], IsComplete: true));
        sim.Run(Second);

        Assert.Equal(["evil"], node.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Equal((2, PeerCondition.Up), (node.Peer("evil").IntroductionsRefused, node.Peer("evil").Condition));
        Assert.Empty(node.OnDisk.Introductions.Peers);
        Assert.DoesNotContain(evil.Messages, message => message is Members);
    }

    /// <summary>An introducer that says what it must not: each lie is counted, and changes nothing else.</summary>
    [Fact]
    public void Introducer_Lies_NothingComesOfIt()
    {
        using var sim = new SimNetwork(1);
        var (node, evil) = WithRawIntroducer(sim, "friend");
        Assert.Contains(evil.Messages, message => message is Members { Asks: true });
        evil.Say(new Members([new MemberOffer(node.Id, "you", ["corp"], []), new MemberOffer(evil.Id, "me", ["corp"], []), Member("x") with { Networks = ["lab"] }, Member("y") with { Networks = [] }], [], IsComplete: false));
        sim.Run(Second);
        Assert.Equal(4, node.Peer("evil").IntroductionsRefused);
        Assert.Equal(2, node.Snapshot.Peers.Count);

        // Who is pinned under another name stays who it is; a name that is another's becomes another.
        var friend = sim.Identity("friend").Node.Id;
        evil.Say(new Members(
            [
                new MemberOffer(friend, "enemy", ["corp"], [IPEndPoint.Parse("203.0.113.9:1")]),
                Member("a") with { Name = "friend" },
                Member("b") with { Name = "node" },
                Member("c") with { Name = "A\u001b[31m Bad.Name" },
                Member("d") with { Name = "" },
                Member("e") with { Name = "friend" },
            ],
            [],
            IsComplete: false));
        sim.Run(Second);
        Assert.Equal(["a--31m-bad", "evil", "friend", "friend-2", "friend-3", "node-2", "node-3"], node.Snapshot.Peers.Select(peer => peer.Name).Order(StringComparer.Ordinal));
        Assert.Equal((PeerTrust.Config, null), (node.Peer("friend").Trust!.Value, node.Peer("friend").Address));
        Assert.Contains(node.Logger.Lines, line => line.Contains("introduces a 'friend'; it is called friend-2 here", StringComparison.Ordinal));

        // Addresses that are nobody's are not dialed.
        string[] bad = ["127.0.0.1:51820", "[::1]:1", "224.0.0.1:1", "[ff02::1]:1", "[fe80::1]:1", "169.254.1.1:1", "0.0.0.0:1", "255.255.255.255:1"];
        evil.Say(new Members([Member("f") with { Name = "f", EndPoints = [.. bad.Select(IPEndPoint.Parse)] }], [], IsComplete: false));
        evil.Say(new Members([Member("g") with { Name = "g", EndPoints = [.. ((string[])["10.42.0.7:51820", "192.0.2.7:0", "[::ffff:127.0.0.1]:9", "[::ffff:192.0.2.8]:9"]).Select(IPEndPoint.Parse)] }], [], IsComplete: false));
        sim.Run(Second);
        Assert.Null(node.Peer("f").Address);
        Assert.Equal("192.0.2.8:9", node.Peer("g").Address);

        // What it does not repeat is gone, and what it takes back.
        evil.Say(new Members([], [Member("g").Id, Member("z").Id], IsComplete: false));
        sim.Run(Second);
        Assert.DoesNotContain(node.Snapshot.Peers, peer => peer.Name == "g");
        evil.Join(node, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        evil.Say(new Members([Member("f")], [], IsComplete: true));
        sim.Run(Second);
        Assert.Equal(["evil", "f", "friend"], node.Snapshot.Peers.Select(peer => peer.Name).Order(StringComparer.Ordinal));

        // A word that is not taken ends the one before: it was about the same member.
        evil.Say(new Members([Member("f") with { Networks = ["lab"] }], [], IsComplete: false));
        sim.Run(Second);
        Assert.Equal(["evil", "friend"], node.Snapshot.Peers.Select(peer => peer.Name).Order(StringComparer.Ordinal));
        Assert.Null(evil.Closed);
    }

    [Fact]
    public void Introducer_NamesTooMany_TheRestIsLeftOut()
    {
        using var sim = new SimNetwork(1);
        var (node, evil) = WithRawIntroducer(sim);
        for (var i = 0; i < Limits.IntroducedPerNetwork + 44; i += 50)
        {
            evil.Say(new Members([.. Enumerable.Range(i, 50).Select(number => Member("m" + number))], [], IsComplete: false));
        }

        sim.Run(2 * Second);
        Assert.Equal(1 + Limits.IntroducedPerNetwork, node.Snapshot.Peers.Count);
        Assert.Equal(44, node.Peer("evil").IntroductionsRefused);
        Assert.True(node.Logger.Lines.Count < 100, "an introducer fills the log");
        evil.Say(new Members([.. Enumerable.Range(0, Limits.MembersPerMessage + 1).Select(number => Member("m" + number))], [], IsComplete: false));
        sim.Run(Second);
        Assert.Equal((ulong)CloseReason.LimitExceeded, evil.Closed!.Value.ErrorCode);
    }

    /// <summary>Members come and go as fast as the line takes it: what costs something is done ten times a second.</summary>
    [Fact]
    public void Introducer_ChangesItsMindAllTheTime_IsTakenAtAPace()
    {
        using var sim = new SimNetwork(1);
        var (node, evil) = WithRawIntroducer(sim);
        var version = node.Node!.Memory.Trust.Version;
        for (var i = 0; i < 200; i++)
        {
            evil.Say(new Members(i % 2 == 0 ? [Member("a")] : [], i % 2 == 0 ? [] : [Member("a").Id], IsComplete: false));
            sim.Run(TimeSpan.FromMilliseconds(5));
        }

        Assert.InRange(node.Node!.Memory.Trust.Version - version, 5, 15);
    }

    /// <summary>Between its introduction and the moment when that is taken into use somebody joins, and the member dials: it is nobody yet, or itself.</summary>
    [Fact]
    public void Member_DialsWhileAnotherJoins_IsItself_20Seeds()
    {
        for (var seed = 1; seed <= 20; seed++)
        {
            using var sim = new SimNetwork(seed);
            var (node, evil) = WithRawIntroducer(sim);
            var joiner = sim.AddHost("dave", 5, new SimPeer("node", 1));
            var carol = new RawPeer(sim, "carol", 3);
            sim.Run(Second);
            evil.Say(new Members([Member("a")], [], IsComplete: false));
            sim.Run(TimeSpan.FromMilliseconds(10));
            evil.Say(new Members([Member("b") with { Name = "erin" }, new MemberOffer(carol.Id, "erin", ["corp"], [])], [], IsComplete: false));
            joiner.Present(node.Invite("erin"));
            sim.Run(TimeSpan.FromMilliseconds(seed * 5));
            carol.Connect(node);
            carol.SayHello("carol");
            sim.Run(TimeSpan.FromMilliseconds(50));
            Assert.True(carol.Closed is null or { Alert: 49 }, $"seed {seed}: {carol.Closed}");
            Assert.All(node.Snapshot.Peers.Where(peer => peer.Condition == PeerCondition.Up), peer => Assert.NotEqual(carol.Closed is null ? Member("a").Id : carol.Id, peer.Id));

            sim.Run(Second);
            Assert.Equal(joiner.Id, node.Peer("erin").Id);
            Assert.Equal(5, node.Snapshot.Peers.Count);
            carol.Join(node, "corp", "10.42.0.0/24", 9, "10.42.0.3");
            Assert.Null(carol.Closed);
            Assert.Equal(PeerCondition.Up, node.Snapshot.Peers.Single(peer => peer.Id == carol.Id).Condition);
        }
    }

    /// <summary>
    /// An introducer says that all its members are where somebody lives who has nothing to do with it, on eight ports each: on and off, now here
    /// and now there, or taking them back in between. A node sends that host a trickle.
    /// </summary>
    [Theory]
    [InlineData("stays")]
    [InlineData("moves")]
    [InlineData("comes and goes")]
    public void Introducer_SendsTheNodeAgainstAThird_LittleArrivesThere(string what)
    {
        using var sim = new SimNetwork(1);
        var (node, evil) = WithRawIntroducer(sim);
        var victim = new SimVictim(sim, 99);
        List<int> perMinute = [];
        for (var minute = 0; minute < 3; minute++)
        {
            for (var i = 0; i < (what == "stays" ? minute == 0 ? 1 : 0 : 60 * 4); i++)
            {
                MemberOffer[] members = [.. Enumerable.Range(0, 48).Select(number => Member("m" + number) with
                {
                    EndPoints = [.. Enumerable.Range(0, Limits.AddressesPerPeer).Select(port => new IPEndPoint(victim.EndPoint.Address, 1000 + (number * 16) + port + (what == "moves" ? i % 2 * 8 : 0)))],
                })];
                if (what == "comes and goes" && i % 2 == 1)
                {
                    evil.Say(new Members([], [.. members.Select(member => member.Id)], IsComplete: false));
                }
                else
                {
                    evil.Say(new Members(members, [], IsComplete: false));
                }

                sim.Run(TimeSpan.FromMilliseconds(250));
            }

            sim.Run(what == "stays" ? 60 * Second : TimeSpan.Zero);
            perMinute.Add(victim.Initials);
            victim.Initials = 0;
        }

        Assert.Equal(PeerCondition.Up, node.Peer("evil").Condition);
        TestContext.Current.TestOutputHelper?.WriteLine($"first packets a minute at a third host, {what}: {string.Join(", ", perMinute)}; {victim.Bytes / 3000} kB a minute");
        Assert.All(perMinute, initials => Assert.InRange(initials, 1, 200));
    }

    [Fact]
    public void Introduction_NotConfirmedFor30Days_Ends()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        hub.Kill();
        carol.Kill();
        carol.Boot();
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob), 10 * Second));
        carol.Restart(memory => memory with
        {
            Introductions = memory.Introductions with { Peers = [.. memory.Introductions.Peers.Select(peer => peer with { ConfirmedUtcSeconds = peer.ConfirmedUtcSeconds - IntroductionBook.KeptSeconds - 1 })] },
        });
        sim.Run(5 * Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Empty(carol.OnDisk.Introductions.Peers);
    }

    /// <summary>A key whose overlap is over stays of no use, though its node was forgotten meanwhile, over a restart too.</summary>
    [Fact]
    public void Member_ForgottenAndIntroducedAnew_ItsFormerKeyIsStillRefused()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        var (old, end) = (sim.Identity("bob"), sim.Now.UtcSeconds + 30);
        bob.ChangeKey(old.Succeed("bob2", end));
        sim.Run(60 * Second);
        Assert.True(carol.IsUp(bob));
        bob.Kill();
        carol.Apply(config => config with { Peers = [config.Peers[0] with { Introduces = false }] });
        sim.Run(Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        carol.Kill();
        carol.ChangeConfig(config => config with { Peers = [config.Peers[0] with { Introduces = true }] });
        carol.Boot();
        Assert.NotNull(sim.RunUntil(() => carol.Snapshot.Peers.Any(peer => peer.Name == "bob"), 30 * Second));

        bob.ChangeKey(old);
        bob.Boot();
        sim.Run(60 * Second);
        Assert.False(carol.IsUp(bob) || bob.IsUp(carol));
        bob.Kill();
        bob.ChangeKey(old.Succeed("bob2", end));
        bob.Boot();
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob) && bob.IsUp(carol), 90 * Second));
    }

    private static (SimHost Node, RawPeer Evil) WithRawIntroducer(SimNetwork sim, params string[] friends)
    {
        var node = sim.AddHost("node", 1, sim.Identity("node"), Trusting, [new SimPeer("evil"), .. friends.Select(name => new SimPeer(name))]);
        node.Apply(config => config with { Peers = [config.Peers[0], .. config.Peers.Skip(1).Select(peer => peer with { Introduces = false })] });
        var evil = new RawPeer(sim, "evil", 66);
        evil.Join(node, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        return (node, evil);
    }

    private static MemberOffer Member(string name) => new(PeerId.OfCertificate(System.Text.Encoding.ASCII.GetBytes(name)), name, ["corp"], []);

    /// <summary>A member, then the introducer, gets a new key, and everybody starts anew: it is one mesh of the same three nodes.</summary>
    [Fact]
    public void Keys_OfMemberAndIntroducerChange_TheMeshStays()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        SimHost[] hosts = [hub, bob, carol];
        foreach (var rotating in new[] { carol, hub })
        {
            rotating.ChangeKey(sim.Identity(rotating.Name).Succeed("new " + rotating.Name, sim.Now.UtcSeconds + 60));
            sim.Run(120 * Second);
            Assert.True(IsMesh(hosts), Missing(hosts));
            foreach (var host in hosts)
            {
                host.Kill();
            }

            sim.Run(Second);
            foreach (var host in hosts)
            {
                host.Boot();
            }

            Assert.True(sim.Await(() => IsMesh(hosts), 60 * Second) is not null, Missing(hosts));
            sim.Run(10 * Second);
            Assert.All(hosts, host => Assert.Equal((2, 2), (host.Snapshot.Peers.Count, host.Snapshot.Connections)));
        }

        // Whom an entry names by the key of now is the peer that it was.
        var latest = bob.OnDisk.Trust.Lineages.Single(lineage => lineage.First == carol.Id).Current;
        bob.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = "karl", Fingerprint = latest, Networks = ["corp"] }] });
        sim.Run(10 * Second);
        Assert.Equal(["hub", "karl"], bob.Snapshot.Peers.Select(peer => peer.Name).Order());
        Assert.Equal(PeerCondition.Up, bob.Peer("karl").Condition);

        // Two entries for one node are a mistake; nothing worse comes of it, in either order.
        foreach (var id in new[] { carol.Id, latest })
        {
            bob.Apply(config => config with { Peers = [new PeerConfig { Name = "twin", Fingerprint = id == latest ? carol.Id : latest, Networks = ["corp"] }, .. config.Peers.Select(peer => peer.Name == "karl" ? peer with { Fingerprint = id } : peer)] });
            sim.Run(Second);
            bob.Apply(config => config with { Peers = [.. config.Peers.Where(peer => peer.Name != "twin")] });
            sim.Run(Second);
        }

        // Whom the file lets go stays out by whichever of its keys it is introduced, also after a restart.
        bob.Apply(config => config with { Peers = [.. config.Peers.Where(peer => peer.Name != "karl")] });
        sim.Run(10 * Second);
        bob.Kill();
        hub.Kill();
        sim.Run(Second);
        bob.Boot();
        hub.Boot();
        Assert.NotNull(sim.RunUntil(() => bob.IsUp(hub) && hub.IsUp(carol), 60 * Second));
        sim.Run(30 * Second);
        Assert.Equal(["hub"], bob.Snapshot.Peers.Select(peer => peer.Name));
    }

    /// <summary>A hub that has invited bob and carol.</summary>
    private static (SimHost Hub, SimHost Bob, SimHost Carol) Mesh(SimNetwork sim)
    {
        var hub = sim.AddHost("hub", 1);
        SimHost[] members = [AddJoiner(sim, 2, hub, name: "bob"), AddJoiner(sim, 3, hub, name: "carol")];
        Assert.True(sim.Await(() => IsMesh([hub, .. members]), 10 * Second) is not null, Missing([hub, .. members]));
        sim.Run(3 * Second);
        return (hub, members[0], members[1]);
    }

    private static SimHost AddJoiner(SimNetwork sim, int number, SimHost hub, bool introduces = true, string? name = null)
    {
        name ??= "j" + number;
        var joiner = sim.AddHost(name, number, sim.Identity(name), introduces ? Trusting : config => config, new SimPeer("hub", 1));
        joiner.Present(hub.Invite(name));
        return joiner;
    }

    /// <summary>As <c>vibepn join</c> leaves the inviter's entry.</summary>
    private static NodeConfig Trusting(NodeConfig config) => config with { Peers = [.. config.Peers.Select(peer => peer with { Introduces = true })] };

    private static bool IsMesh(IReadOnlyList<SimHost> hosts) => hosts.All(one => hosts.All(other => one == other || one.IsUp(other)));

    private static string Missing(IReadOnlyList<SimHost> hosts) =>
        string.Join(", ", hosts.SelectMany(one => hosts.Where(other => other != one && !one.IsUp(other)).Select(other => $"{one.Name}-{other.Name}")));
}
