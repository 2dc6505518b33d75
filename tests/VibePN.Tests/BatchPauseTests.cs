using Xunit;

namespace VibePN.Tests;

public sealed class BatchPauseTests
{
    private const ulong Millisecond = 1_000_000;

    [Theory]
    [InlineData(100, 1, true)]
    [InlineData(100, 0, false)]
    [InlineData(100, 32, false)]
    [InlineData(20, 1, false)]
    public void IsDue_AfterAMillisecondOfPackets_OnlyAtAHighRateAndAfterASmallBatch(int packetsPerMillisecond, int inLastTurn, bool due)
    {
        var pause = new BatchPause();
        ulong now = 5_000 * Millisecond;
        pause.IsDue(now);
        for (var i = 0; i < packetsPerMillisecond; i++)
        {
            pause.Count(1);
            now += Millisecond / (ulong)packetsPerMillisecond;
            pause.IsDue(now);
        }

        now += Millisecond / 100;
        pause.Count(inLastTurn);

        Assert.Equal(due, pause.IsDue(now));
    }

    [Fact]
    public void IsDue_AfterTheFloodHasEnded_NoMore()
    {
        var pause = new BatchPause();
        ulong now = 5_000 * Millisecond;
        pause.IsDue(now);
        pause.Count(1_000);
        now += Millisecond;
        Assert.False(pause.IsDue(now));
        pause.Count(1);
        Assert.True(pause.IsDue(now + 1));

        now += 1_000 * Millisecond;
        pause.Count(1);

        Assert.False(pause.IsDue(now));
    }
}
