using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Trust on first use: what answers where we dial is pinned, and nothing else ever is.</summary>
public sealed class FirstUseTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Entry_WithoutAFingerprint_PinsWhoAnswersAndKeepsToIt()
    {
        using var sim = new SimNetwork(1);
        var a = AddTrusting(sim);
        Assert.Equal((null, null), (a.Peer("b").Id, a.Peer("b").Trust));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 5 * Second));
        sim.Run(Second);
        a.SendTo(b, 0);
        b.SendTo(a, 0, v6: true);
        sim.Run(Second);

        Assert.Equal(2, sim.Ledger.Arrived);
        Assert.Equal((b.Id, PeerTrust.FirstUse), (a.Peer("b").Id!.Value, a.Peer("b").Trust!.Value));
        Assert.Equal(("b", b.Id, "192.0.2.2:51820"), Assert.Single(a.OnDisk.Trust.Peers) is var one ? (one.Name, one.Id, one.Address) : default);

        // Also when it comes back, and when it is the one that dials.
        a.Kill();
        a.Boot();
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 60 * Second));
    }

    [Fact]
    public void Entry_AnotherAnswersLater_IsRefusedWithBothAndTheCommandThatAcceptsIt()
    {
        using var sim = new SimNetwork(1);
        var a = AddTrusting(sim);
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b), 5 * Second));
        sim.Run(Second);
        b.Kill();
        b.Move(77, isTold: false);
        var other = sim.AddHost("b", 2, sim.Identity("other"), new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.Peer("b").Condition == PeerCondition.RefusedHere, 60 * Second));

        var reason = a.Peer("b").Reason;
        Assert.Contains(b.Id.ToString(), reason, StringComparison.Ordinal);
        Assert.Contains($"vibepn add-peer --update --name b --fingerprint {other.Id}", reason, StringComparison.Ordinal);
        Assert.Equal(b.Id, a.OnDisk.Trust.Peers[0].Id);

        // The command puts it into the config.
        a.Apply(config => config with { Peers = [config.Peers[0] with { Fingerprint = other.Id }] });
        Assert.NotNull(sim.RunUntil(() => a.IsUp(other), 10 * Second));
        Assert.Equal(PeerTrust.Config, a.Peer("b").Trust);
        Assert.Empty(a.OnDisk.Trust.Peers);
    }

    [Fact]
    public void Stranger_WhoDials_IsNeverTrusted()
    {
        using var sim = new SimNetwork(1);
        var a = AddTrusting(sim);
        var b = sim.AddHost("b", 3, new SimPeer("a", 1));
        sim.Run(30 * Second);

        Assert.False(b.IsUp(a));
        Assert.Empty(a.OnDisk.Trust.Peers);
        Assert.Equal(PeerCondition.RefusedByPeer, b.Peer("a").Condition);
    }

    [Fact]
    public void Peer_PinnedElsewhere_IsNotPinnedAgain()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, sim.Identity("a"), Trusting, new SimPeer("b", 2), new SimPeer("known"));
        var known = sim.AddHost("known", 2, new SimPeer("a"));
        sim.Run(10 * Second);

        Assert.Empty(a.OnDisk.Trust.Peers);
        Assert.Equal(PeerCondition.RefusedHere, a.Peer("b").Condition);
        Assert.False(a.IsUp(known));
    }

    [Fact]
    public void Entry_Removed_IsForgotten()
    {
        using var sim = new SimNetwork(1);
        var a = AddTrusting(sim);
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 5 * Second));
        a.Apply(config => config with { Peers = [] });
        sim.Run(Second);

        Assert.Empty(a.OnDisk.Trust.Peers);
        Assert.Empty(a.Snapshot.Peers);
        Assert.False(b.IsUp(a));
    }

    [Fact]
    public void Mode_Pinned_TrustsNobodyUnpinned()
    {
        using var sim = new SimNetwork(1);
        var a = AddTrusting(sim, TrustMode.Pinned);
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        sim.Run(10 * Second);
        Assert.False(a.IsUp(b));

        // Switched on while it runs, and off again: what was seen is not used then.
        a.Apply(config => config with { Node = config.Node with { Trust = TrustMode.FirstUse } });
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b), 5 * Second));
        a.Apply(config => config with { Node = config.Node with { Trust = TrustMode.Pinned } });
        sim.Run(5 * Second);
        Assert.False(a.IsUp(b));
    }

    private static SimHost AddTrusting(SimNetwork sim, TrustMode mode = TrustMode.FirstUse) =>
        sim.AddHost("a", 1, sim.Identity("a"), config => Trusting(config) with { Node = config.Node with { Trust = mode } }, new SimPeer("b", 2));

    private static NodeConfig Trusting(NodeConfig config) => config with
    {
        Node = config.Node with { Trust = TrustMode.FirstUse },
        Peers = [config.Peers[0] with { Fingerprint = null }, .. config.Peers.Skip(1)],
    };
}
