using Xunit;

namespace VibePN.Tests.Sim;

public sealed class TwoNodesTests
{
    private static readonly TimeSpan TenSeconds = TimeSpan.FromSeconds(10);

    [Fact]
    public void Nodes_OneDials_PacketsPassBothWaysInBothFamilies()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));

        Assert.NotNull(sim.RunUntil(() => IsUp(a, "b") && IsUp(b, "a"), TenSeconds));
        a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2"));
        a.Send(0, TestPacket.Udp("fd42::1", "fd42::2"));
        b.Send(0, TestPacket.Udp("10.42.0.2", "10.42.0.1"));
        b.Send(0, TestPacket.Udp("fd42::2", "fd42::1"));
        sim.Run(TimeSpan.FromSeconds(1));

        Assert.Equal(2, a.Delivered.Count);
        Assert.Equal(TestPacket.Udp("10.42.0.1", "10.42.0.2"), b.Delivered[0].Packet);
        Assert.Equal(TestPacket.Udp("fd42::1", "fd42::2"), b.Delivered[1].Packet);
    }

    [Theory]
    [MemberData(nameof(Seeds), 20)]
    public void Nodes_BothDialOverABadLine_OneConnectionStaysAndCarries(int seed)
    {
        using var sim = new SimNetwork(seed);
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(20), Jitter = TimeSpan.FromMilliseconds(20), Loss = 0.1, Duplication = 0.05 };
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));

        Assert.True(sim.RunUntil(() => IsUp(a, "b") && IsUp(b, "a"), TenSeconds) is not null, $"not up with seed {seed}");
        sim.Run(TimeSpan.FromSeconds(30));

        Assert.True(IsUp(a, "b") && IsUp(b, "a"), $"not up any more with seed {seed}");
        Assert.Equal((1, 1), (a.Snapshot.Connections, b.Snapshot.Connections));
        for (var i = 0; i < 100; i++)
        {
            a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2"));
            sim.Run(TimeSpan.FromMilliseconds(20));
        }

        Assert.InRange(b.Delivered.Count, 60, 110);
    }

    [Fact]
    public void Stranger_Dials_RefusedWithOneLineAndBacksOff()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2);

        sim.Run(TimeSpan.FromSeconds(30));

        Assert.InRange(a.Peer("b").DialAttempts, 1, 6);
        Assert.Equal(PeerCondition.RefusedByPeer, a.Peer("b").Condition);
        Assert.StartsWith("refused by peer", a.Peer("b").Reason, StringComparison.Ordinal);
        Assert.Equal(a.Peer("b").DialAttempts, b.Logger.Lines.Count(line => line.Contains("Refused", StringComparison.Ordinal)));
        Assert.Equal(1, a.Logger.Lines.Count(line => line.Contains("refused by peer", StringComparison.Ordinal)));
        sim.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(0, b.Snapshot.Connections);
    }

    [Fact]
    public void Strangers_DialAgainAndAgain_LogHasTwentyLinesAMinuteAndTheNumberOfTheRest()
    {
        using var sim = new SimNetwork(1);
        var b = sim.AddHost("b", 2);
        var stranger = new RawPeer(sim, "stranger", 66);
        for (var i = 0; i < 30; i++)
        {
            stranger.Connect(b);
            sim.Run(TimeSpan.FromMilliseconds(100));
        }

        sim.Run(TimeSpan.FromMinutes(2));

        Assert.Equal(30, b.Snapshot.Handshakes["refused"]);
        Assert.Equal(Limits.LogLinesPerPeerAndMinute, b.Logger.Lines.Count(line => line.Contains("Refused a stranger", StringComparison.Ordinal)));
        Assert.Single(b.Logger.Lines, line => line.Contains("10 more lines about refused certificates were left out", StringComparison.Ordinal));
    }

    [Fact]
    public void Dialer_WrongPin_RefusesAndSaysSo()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2, TestIdentity.Get("c").Node.Id));
        sim.AddHost("b", 2, new SimPeer("a"));

        sim.Run(TimeSpan.FromSeconds(5));

        Assert.Equal(PeerCondition.RefusedHere, a.Peer("b").Condition);
        Assert.Contains(a.Logger.Lines, line => line.Contains("its fingerprint is not the one in the config", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(-20, -10, "its certificate has expired")]
    [InlineData(10, 20, "its certificate is not valid yet")]
    public void Acceptor_CertificateOutsideItsValidity_Refuses(int fromDays, int toDays, string reason)
    {
        using var sim = new SimNetwork(1);
        var identity = TestIdentity.Make("late", SimNetwork.EpochUtc.AddDays(fromDays), SimNetwork.EpochUtc.AddDays(toDays));
        var a = sim.AddHost("a", 1, identity, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a", null, identity.Node.Id));

        sim.Run(TimeSpan.FromSeconds(2));

        Assert.Single(b.Logger.Lines, line => line.Contains(reason, StringComparison.Ordinal));
        Assert.Equal(PeerCondition.RefusedByPeer, a.Peer("b").Condition);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Peer_KilledAndRestarted_TrafficWithinFiveSeconds(bool dialerDies)
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        sim.RunUntil(() => IsUp(a, "b") && IsUp(b, "a"), TenSeconds);

        var victim = dialerDies ? a : b;
        victim.Kill();
        sim.Run(TimeSpan.FromSeconds(1));
        victim.Boot();
        b.Delivered.Clear();
        var took = sim.RunUntil(
            () =>
            {
                a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2"));
                sim.Run(TimeSpan.FromMilliseconds(50));
                return b.Delivered.Count > 0;
            },
            TimeSpan.FromSeconds(5));

        Assert.NotNull(took);
    }

    [Fact]
    public void Node_SaysGoodbye_PeerKnowsAtOnce()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        sim.RunUntil(() => IsUp(a, "b") && IsUp(b, "a"), TenSeconds);

        a.Node!.Goodbye(sim.Now);
        a.Node.Flush(sim.Now);
        sim.Run(TimeSpan.FromMilliseconds(100));

        Assert.False(IsUp(b, "a"));
        Assert.Contains("goodbye", b.Peer("a").Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Node_DialedDuringItsGoodbye_TakesNobody()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        sim.RunUntil(() => IsUp(a, "b") && IsUp(b, "a"), TenSeconds);

        a.Node!.Goodbye(sim.Now);
        a.Node.Flush(sim.Now);
        sim.Run(TimeSpan.FromMilliseconds(20));
        var came = sim.RunUntil(() => IsUp(b, "a"), TimeSpan.FromSeconds(5));

        Assert.Null(came);
    }

    [Fact]
    public void Packet_FromAnAddressItsSenderDoesNotOwn_DroppedAndCounted()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        sim.RunUntil(() => IsUp(a, "b") && IsUp(b, "a"), TenSeconds);

        a.Send(0, TestPacket.Udp("10.42.0.77", "10.42.0.2"));
        sim.Run(TimeSpan.FromSeconds(1));

        Assert.Empty(b.Delivered);
        Assert.Equal(1UL, b.Snapshot.Drops[DropReason.InSourceNotOwned]);
    }

    [Fact]
    public void Packet_LargerThanThePath_SenderIsTold()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        sim.RunUntil(() => IsUp(a, "b") && IsUp(b, "a"), TenSeconds);
        sim.Run(TenSeconds);

        a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2", 1600));
        sim.Run(TimeSpan.FromSeconds(1));

        Assert.Empty(b.Delivered);
        var answer = Assert.Single(a.Delivered).Packet;
        Assert.Equal((3, 4), (answer[20], answer[21]));
        Assert.Equal(a.Peer("b").MtuBytes, (answer[26] << 8) | answer[27]);
    }

    [Fact]
    public void IdlePeers_OneHour_StayConnected()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        sim.RunUntil(() => IsUp(a, "b") && IsUp(b, "a"), TenSeconds);
        var since = a.Peer("b").ChangedNanos;

        sim.Run(TimeSpan.FromHours(1));

        Assert.True(IsUp(a, "b"));
        Assert.Equal(since, a.Peer("b").ChangedNanos);
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(1, count)];

    private static bool IsUp(SimHost host, string peer) => host.Peer(peer).Condition == PeerCondition.Up;
}
