using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class ParityMeterTests
{
    private const ulong Second = 1_000_000_000;

    private readonly ParityMeter _meter = new();
    private ulong _covered;
    private ulong _rebuilt;
    private ulong _unsolved;
    private ulong _now = 100 * Second;

    [Theory]
    [InlineData(0.0001, 0)]
    [InlineData(0.001, 32)]
    [InlineData(0.01, 16)]
    [InlineData(0.03, 10)]
    [InlineData(0.08, 6)]
    public void Group_OfALoss_FollowsWhetherQuicSeesItOrNot(double loss, int group)
    {
        ParityMeter seen = new();
        for (var i = 1; i <= 20; i++)
        {
            seen.Update((ulong)(i * 10_000 * (1 - loss)), (ulong)(i * 10_000 * loss));
            Report(10_000, loss, 0);
        }

        Assert.Equal((group, group), (seen.Group(_now), _meter.Group(_now)));
        Assert.Equal(loss, seen.Loss(_now), loss / 10);
        Assert.Equal(loss, _meter.Loss(_now), loss / 10);
        Assert.Equal(loss, _meter.Hidden(_now), loss / 10);
        Assert.Equal(0, seen.Hidden(_now));
    }

    [Fact]
    public void Group_WhereMostGroupsLoseMoreThanOne_IsNoneForAWhileAndLongerEachTime()
    {
        // What QUIC sees, with or without parity.
        _meter.Update(9_980, 20);
        Report(10_000, 0.0015, 64);
        Assert.Equal(0, _meter.Group(_now));
        _now += 31 * Second;
        Assert.Equal(32, _meter.Group(_now));

        Report(10_000, 0.0015, 64);
        _now += 59 * Second;
        Assert.Equal(0, _meter.Group(_now));
        _now += 2 * Second;
        Assert.Equal(32, _meter.Group(_now));

        // Once it helps, the next pause is short again.
        Report(10_000, 0.01, 4);
        Assert.Equal(16, _meter.Group(_now));
        Report(10_000, 0.0015, 64);
        Assert.Equal(0, _meter.Group(_now));
        _now += 31 * Second;
        Assert.Equal(32, _meter.Group(_now));
    }

    [Fact]
    public void Group_OfFewIncidents_IsNoVerdict()
    {
        Report(10_000, 0.0008, 15);
        Assert.NotEqual(0, _meter.Group(_now));

        // Two dozen that were nearly all for nothing are a verdict.
        Report(10_000, 0, 30);
        Assert.Equal(0, _meter.Group(_now));
    }

    [Fact]
    public void Hidden_OfOldReports_IsNothing()
    {
        Report(10_000, 0.01, 0);
        _now += 20 * Second;

        Assert.Equal((0.0, 0.0), (_meter.Hidden(_now), _meter.Loss(_now)));
    }

    [Fact]
    public void Hidden_WhenTheLossEnds_EndsWithTheNextReports()
    {
        Report(10_000, 0.01, 0);
        Report(300, 0, 0);

        Assert.Equal(0, _meter.Hidden(_now));
        Assert.InRange(_meter.Loss(_now), 0.005, 0.01);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Reports_OfAnyNumbers_KeepTheirBounds(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 10_000; i++)
        {
            _meter.OnReport(Any(), Any(), Any(), _now += Second);
            Assert.True(_meter.Loss(_now) is >= 0 and <= 1, $"seed {seed}, {i}");
            Assert.True(_meter.Hidden(_now) is >= 0 and <= 1, $"seed {seed}, {i}");
            Assert.True(_meter.Group(_now) is 0 or 6 or 10 or 16 or 32, $"seed {seed}, {i}");
        }

        ulong Any() => (ulong)random.NextInt64() >> random.Next(64);
    }

    private void Report(ulong packets, double hidden, ulong unsolved)
    {
        var rebuilt = (ulong)(packets * hidden);
        _covered += packets - rebuilt;
        _rebuilt += rebuilt;
        _unsolved += unsolved;
        _meter.OnReport(_covered, _rebuilt, _unsolved, _now += Second);
    }
}
