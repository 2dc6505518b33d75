namespace VibePN.Quic.Tests;

public sealed class LeakyMeterTests
{
    private const ulong Second = 1_000_000_000;

    [Fact]
    public void TryTake_MoreThanTheRate_AsManyAsTheRateSpreadEvenly()
    {
        var meter = new LeakyMeter(perSecond: 100, atOnce: 10);
        var taken = new int[10];
        for (ulong i = 0; i < 10_000; i++)
        {
            taken[i / 1000] += meter.TryTake(Second + (i * Second / 10_000)) ? 1 : 0;
        }

        Assert.InRange(taken[0], 18, 20);
        Assert.All(taken[1..], tenth => Assert.InRange(tenth, 9, 11));
    }

    [Fact]
    public void TakeWhileCalm_WhileThereAreMoreThanTheRate_NoneIsWithinIt()
    {
        var meter = new LeakyMeter(perSecond: 100, atOnce: 100);
        var now = Second;
        var within = 0;
        for (var i = 0; i < 5_000; i++, now += Second / 1000)
        {
            within += meter.TakeWhileCalm(now) ? 1 : 0;
        }

        Assert.InRange(within, 100, 115);
        Assert.True(meter.TakeWhileCalm(now + (Second / 10)));
    }

    [Fact]
    public void TakeWhileCalm_WithinTheRate_AlwaysWithinIt()
    {
        var meter = new LeakyMeter(perSecond: 100, atOnce: 100);
        for (ulong i = 0; i < 1_000; i++)
        {
            Assert.True(meter.TakeWhileCalm(Second + (i * Second / 90)));
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(3, 3)]
    public void Take_AllInOneInstant_AsManyAsAtOnce(int perSecond, int expected)
    {
        var meter = new LeakyMeter(perSecond, perSecond);
        var other = new LeakyMeter(perSecond, perSecond);

        Assert.Equal(expected, Enumerable.Range(0, 20).Count(_ => meter.TryTake(Second)));
        Assert.Equal(expected, Enumerable.Range(0, 20).Count(_ => other.TakeWhileCalm(Second)));
    }

    [Fact]
    public void TryTake_RateWithoutLimit_NeverRefuses()
    {
        var meter = new LeakyMeter(int.MaxValue, int.MaxValue);

        Assert.All(Enumerable.Range(0, 10_000), i => Assert.True(meter.TryTake((ulong)i * Second * 3600)));
    }
}
