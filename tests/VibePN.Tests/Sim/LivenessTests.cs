using VibePN.Control;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>A connection lives as long as the other side's node answers: neither its QUIC nor its packets are proof enough.</summary>
public sealed class LivenessTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Peer_WhoseNodeNoLongerAnswers_IsClosedAsUnresponsive()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("mute"));
        var mute = new RawPeer(sim, "mute", 66) { AnswersKeepalives = false };
        mute.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");

        // Its QUIC is alive, and so are its packets.
        for (var i = 0; i < 28; i++)
        {
            mute.SendPacket(mute.TagOf("corp"), TestPacket.Udp("10.42.0.66", "10.42.0.1"));
            sim.Run(Second);
        }

        Assert.Null(mute.Closed);
        Assert.Equal(PeerCondition.Up, a.Peer("mute").Condition);
        sim.Run(2 * Second);

        Assert.Equal((ulong)CloseReason.Unresponsive, mute.LastClose?.ErrorCode);
        Assert.NotEqual(PeerCondition.Up, a.Peer("mute").Condition);
        Assert.Equal((1, "no answer for 20 s"), (a.Peer("mute").Unresponsive, a.Peer("mute").Reason));
    }

    [Fact]
    public void Peer_ThatAnswersAndIsOtherwiseSilent_StaysForAnHour()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("quiet"));
        var quiet = new RawPeer(sim, "quiet", 66);
        quiet.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");

        sim.Run(TimeSpan.FromHours(1));

        Assert.Null(quiet.Closed);
        Assert.Equal(0, a.Peer("quiet").Unresponsive);
        Assert.InRange(a.Peer("quiet").EchoRtt!.Value.TotalMilliseconds, 10, 20);
    }

    [Fact]
    public void Peer_ThatAnswersWhatWasNeverAsked_IsClosedAsUnresponsive()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("guess"));
        var guess = new RawPeer(sim, "guess", 66) { AnswersKeepalives = false };
        guess.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        for (var i = 0; i < 30; i++)
        {
            guess.Say(new KeepaliveReply(100, null));
            sim.Run(Second);
        }

        Assert.Equal((ulong)CloseReason.Unresponsive, guess.LastClose?.ErrorCode);
    }

    [Fact]
    public void History_OfAPeerThatFallsSilentAndComesBack_TellsWhatHappened()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b), TimeSpan.FromSeconds(5)));
        sim.Run(TimeSpan.FromSeconds(25));
        b.Kill();
        a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2"));
        sim.Run(TimeSpan.FromSeconds(60));
        b.Boot();
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b), TimeSpan.FromSeconds(30)));

        var history = a.Node!.History("b")!;
        Assert.Equal(PeerCondition.Up, history.Events[0].Condition);
        Assert.Contains(history.Events, change => change.Condition == PeerCondition.Up && change.Reason.StartsWith("no answer", StringComparison.Ordinal));
        Assert.Contains(history.Events, change => change.Condition != PeerCondition.Up && change.Reason.Length > 0);
        Assert.Equal((PeerCondition.Up, ""), (history.Events[^1].Condition, history.Events[^1].Reason));
        Assert.True(history.Samples.Count >= 2, $"{history.Samples.Count} samples");
        Assert.All(history.Samples, sample => Assert.True(sample.RttMicros > 0));
        Assert.Null(a.Node.History("nobody"));
    }
}
