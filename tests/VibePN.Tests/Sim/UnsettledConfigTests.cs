using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>A config that nobody confirms is undone, and whom the node knew beside it is known as before.</summary>
public sealed class UnsettledConfigTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>Somebody gives a host that came by invite an entry of its own, and it does not reach the node any more to say yes.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Joined_IsGivenAnEntry_IsForgottenOnlyWhenThatIsForGood(bool isUndone)
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, _) = Mesh(sim);
        var before = hub.Config;
        hub.Apply(config => config with { Peers = [new PeerConfig { Name = "robert", Fingerprint = bob.Id, Networks = [] }] }, isForGood: false);
        sim.Run(2 * Second);
        Assert.Equal(PeerTrust.Config, hub.Peer("robert").Trust);
        hub.Apply(config => isUndone ? before : config);
        sim.Run(2 * Second);
        if (isUndone)
        {
            Assert.Equal(PeerTrust.Invite, hub.Peer("bob").Trust);
        }

        Assert.Equal(isUndone, hub.OnDisk.Trust.Peers.Any(peer => peer.Id == bob.Id));
        Assert.Equal(isUndone ? 0 : 1, hub.OnDisk.Trust.Invites.Count(invite => invite.RevokedUtcSeconds is not null));

        // By a restart, too.
        hub.Kill();
        hub.ChangeConfig(_ => before);
        hub.Boot();
        sim.Run(30 * Second);
        Assert.Equal(isUndone, hub.IsUp(bob) && bob.IsUp(hub));
    }

    [Fact]
    public void Introduced_IsGivenAnEntryAndItIsUndone_IsIntroducedAsBefore()
    {
        using var sim = new SimNetwork(1);
        var (_, bob, carol) = Mesh(sim);
        var before = carol.Config;
        carol.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = "robert", Fingerprint = bob.Id, Networks = ["corp"] }] }, isForGood: false);
        sim.Run(2 * Second);
        Assert.Equal(PeerTrust.Config, carol.Peer("robert").Trust);
        carol.Apply(_ => before);
        sim.Run(30 * Second);
        Assert.Equal(PeerTrust.Introduction, carol.Peer("bob").Trust);
        Assert.True(carol.IsUp(bob) && bob.IsUp(carol));
        Assert.Empty(carol.Snapshot.KeptOut);
    }

    [Fact]
    public void KeptOut_IsGivenAnEntryAndItIsUndone_IsKeptOutAsBefore()
    {
        using var sim = new SimNetwork(1);
        var (_, bob, carol) = Mesh(sim);
        Assert.True(carol.Node!.ForgetPeer("bob", sim.Now));
        var before = carol.Config;
        carol.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = "robert", Fingerprint = bob.Id, Networks = ["corp"] }] }, isForGood: false);
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob), 90 * Second));
        carol.Apply(_ => before);
        sim.Run(30 * Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        Assert.Equal(bob.Id, Assert.Single(carol.OnDisk.Introductions.KeptOut).Id);
    }

    /// <summary>The introducer is away meanwhile, and cannot say it again.</summary>
    [Fact]
    public void Introducer_IsTakenOutAndItIsUndone_ItsMembersAreThereAgain()
    {
        using var sim = new SimNetwork(1);
        var (hub, bob, carol) = Mesh(sim);
        hub.Kill();
        var before = carol.Config;
        carol.Apply(config => config with { Peers = [] }, isForGood: false);
        sim.Run(5 * Second);
        Assert.Empty(carol.Snapshot.Peers);
        carol.Apply(_ => before);
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob) && bob.IsUp(carol), 90 * Second));
    }

    /// <summary>Whom a config lets go is out at once, though somebody introduces it, and back when that is undone.</summary>
    [Fact]
    public void Entry_IsTakenOutAndItIsUndone_IsOutMeanwhileAndBackAgain()
    {
        using var sim = new SimNetwork(1);
        var (_, bob, carol) = Mesh(sim);
        carol.Apply(config => config with { Peers = [.. config.Peers, new PeerConfig { Name = "robert", Fingerprint = bob.Id, Networks = ["corp"] }] });
        sim.Run(2 * Second);
        var before = carol.Config;
        carol.Apply(config => config with { Peers = [config.Peers[0]] }, isForGood: false);
        sim.Run(20 * Second);
        Assert.Equal(["hub"], carol.Snapshot.Peers.Select(peer => peer.Name));
        carol.Apply(_ => before);
        Assert.NotNull(sim.RunUntil(() => carol.IsUp(bob) && bob.IsUp(carol), 90 * Second));
        Assert.Empty(carol.Snapshot.KeptOut);
    }

    /// <summary>Else whoever answers next would be believed.</summary>
    [Fact]
    public void FirstUse_EntryIsTakenOutAndItIsUndone_IsPinnedAsBefore()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost(
            "a", 1, sim.Identity("a"), config => config with { Node = config.Node with { Trust = TrustMode.FirstUse }, Peers = [config.Peers[0] with { Fingerprint = null }] }, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b), 5 * Second));
        var before = a.Config;
        a.Apply(config => config with { Peers = [] }, isForGood: false);
        sim.Run(2 * Second);
        Assert.Empty(a.Snapshot.Peers);
        a.Apply(_ => before);
        Assert.Equal(b.Id, a.Peer("b").Id);
        Assert.Equal(PeerTrust.FirstUse, a.Peer("b").Trust);
    }

    /// <summary>A hub that has invited bob and carol, who are introduced to each other.</summary>
    private static (SimHost Hub, SimHost Bob, SimHost Carol) Mesh(SimNetwork sim)
    {
        var hub = sim.AddHost("hub", 1);
        var members = new[] { "bob", "carol" }.Select((name, i) =>
        {
            var host = sim.AddHost(name, i + 2, sim.Identity(name), config => config with { Peers = [config.Peers[0] with { Introduces = true }] }, new SimPeer("hub", 1));
            host.Present(hub.Invite(name));
            return host;
        }).ToArray();
        Assert.NotNull(sim.RunUntil(() => members[0].IsUp(members[1]) && members[1].IsUp(members[0]), 20 * Second));
        sim.Run(3 * Second);
        return (hub, members[0], members[1]);
    }
}
