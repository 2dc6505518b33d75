using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class PeerHistoryTests
{
    [Fact]
    public void Note_SameAgain_IsOneEvent()
    {
        var history = new PeerHistory();
        history.Note(PeerCondition.Up, "", 1);
        history.Note(PeerCondition.Up, "", 2);
        history.Note(PeerCondition.Up, "no answer", 3);
        history.Note(PeerCondition.Up, "", 4);
        Assert.Equal([(1UL, ""), (3UL, "no answer"), (4UL, "")], history.Events.Select(change => (change.AtNanos, change.Reason)));
    }

    [Fact]
    public void Note_WithoutEnd_KeepsTheLatest()
    {
        var history = new PeerHistory();
        for (var i = 0UL; i < 1000; i++)
        {
            history.Note(i % 2 == 0 ? PeerCondition.Up : PeerCondition.Unreachable, "", i);
            history.Sample(TimeSpan.FromMilliseconds(1), i, 0, i);
        }

        Assert.Equal(PeerHistory.MaxEvents, history.Events.Count);
        Assert.Equal(PeerHistory.MaxSamples, history.Samples.Count);
        Assert.Equal((999UL, 999UL), (history.Events[^1].AtNanos, history.Samples[^1].AtNanos));
    }

    [Fact]
    public void Sample_OfANewConnection_CountsFromItsBeginning()
    {
        var history = new PeerHistory();
        history.Sample(TimeSpan.FromMilliseconds(20), 90, 10, 1);
        history.Sample(TimeSpan.FromMilliseconds(20), 180, 20, 2);
        history.Sample(TimeSpan.FromMilliseconds(20), 5, 0, 3);
        Assert.Equal([(100U, 10U), (100U, 10U), (5U, 0U)], history.Samples.Select(sample => (sample.Settled, sample.Lost)));
    }
}
