using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class LossMeterTests
{
    private const ulong Second = 1_000_000_000;
    private const ulong FarRtt = 50_000_000;

    private LossMeter _meter = new();
    private ulong _acked;
    private ulong _lost;
    private ulong _now = Second;

    /// <summary>A line whose trial is over.</summary>
    public LossMeterTests()
    {
        for (var i = 0; i < 5; i++)
        {
            Settle(5000, 0);
        }
    }

    [Fact]
    public void Trial_OfALongLine_BeginsWithTraffic()
    {
        BeginAnew();

        Assert.False(Settle(15, 0));
        Assert.True(Settle(1, 0));

        Assert.Equal((true, true, _now), (_meter.IsOn, _meter.IsTrial, _meter.ChangedNanos));
    }

    [Fact]
    public void Trial_OfAShortLine_NeverBegins()
    {
        BeginAnew();
        for (var i = 0; i < 10; i++)
        {
            Assert.False(Settle(5000, 0, rtt: 1_000_000));
        }

        Assert.Equal((false, false, 0UL), (_meter.IsOn, _meter.IsTrial, _meter.ChangedNanos));
    }

    /// <summary>The round trip of the handshake has the work of both sides in it.</summary>
    [Fact]
    public void Trial_OfALineThatProvesShort_Ends()
    {
        BeginAnew();
        Assert.True(_meter.BeginTrial(3_000_000, _now));
        Assert.False(_meter.BeginTrial(3_000_000, _now));

        Assert.True(Settle(10, 0, rtt: 300_000));

        Assert.Equal((false, false), (_meter.IsOn, _meter.IsTrial));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Trial_WithoutLoss_EndsAfterFourWindows(ulong lost)
    {
        BeginAnew();
        Settle(16, 0);
        for (var i = 0; i < 3; i++)
        {
            Assert.False(Settle(5000, lost));
        }

        Assert.True(Settle(5000, lost));
        Assert.Equal((false, false), (_meter.IsOn, _meter.IsTrial));
    }

    [Fact]
    public void Trial_WithLossInTwoWindows_GoesOnUntilTheLossIsGone()
    {
        BeginAnew();
        Settle(16, 0);
        Assert.False(Settle(400, 4));
        Assert.True(_meter.IsTrial);
        Assert.False(Settle(400, 4));
        Assert.Equal((true, false), (_meter.IsOn, _meter.IsTrial));

        for (var i = 0; i < 30; i++)
        {
            Assert.False(Settle(5000, 0));
            _now += Second;
        }

        Assert.True(Settle(5000, 0));
        Assert.False(_meter.IsOn);
    }

    /// <summary>What the peer makes good from parity QUIC does not see.</summary>
    [Fact]
    public void Trial_WithLossThatIsHidden_GoesOn()
    {
        BeginAnew();
        Settle(16, 0);

        Assert.False(Settle(5000, 0, hidden: 0.001));
        Assert.False(Settle(5000, 0, hidden: 0.001));

        Assert.Equal((true, false), (_meter.IsOn, _meter.IsTrial));
    }

    [Fact]
    public void Loss_OfTwoWindows_BeginsRepair()
    {
        Assert.False(Settle(400, 4));
        Assert.True(Settle(400, 4));

        Assert.Equal((true, _now), (_meter.IsOn, _meter.ChangedNanos));
        Assert.Equal(0.0099, _meter.Loss, 0.0001);
    }

    [Fact]
    public void Loss_OfOneWindow_IsAnAccident()
    {
        Settle(400, 300);
        for (var i = 0; i < 100; i++)
        {
            Assert.False(Settle(400, i % 20 == 0 ? 1UL : 0));
        }

        Assert.False(_meter.IsOn);
    }

    [Fact]
    public void Loss_FarBelowForThirtySeconds_EndsRepair()
    {
        Settle(400, 4);
        Settle(400, 4);
        for (var i = 0; i < 29; i++)
        {
            _now += Second;
            Assert.False(Settle(5000, 0));
        }

        // Once more a little: the time begins again.
        Settle(400, 4);
        for (var i = 0; i < 30; i++)
        {
            _now += Second;
            Assert.False(Settle(5000, 0));
        }

        _now += Second;
        Assert.True(Settle(5000, 0));
        Assert.False(_meter.IsOn);
    }

    [Fact]
    public void Loss_BetweenTheLimits_ChangesNothing()
    {
        for (var i = 0; i < 100; i++)
        {
            _now += Second;
            Assert.False(Settle(10_000, 3));
        }

        Settle(400, 4);
        Settle(400, 4);
        for (var i = 0; i < 100; i++)
        {
            _now += Second;
            Assert.False(Settle(10_000, 3));
        }

        Assert.True(_meter.IsOn);
    }

    [Fact]
    public void Silence_IsNoCalm()
    {
        Settle(400, 4);
        Settle(400, 4);
        for (var i = 0; i < 100; i++)
        {
            _now += Second;
            Assert.False(Settle(10, 0));
        }

        Assert.True(_meter.IsOn);
    }

    [Theory]
    [InlineData(50_000_000, 0.0005)]
    [InlineData(2_000_000, 0.0005)]
    [InlineData(1_000_000, 0.000729)]
    [InlineData(100_000, 0.0729)]
    public void Limit_OfAShortLine_IsHigher(ulong rtt, double limit) => Assert.Equal(limit, LossMeter.Limit(rtt), 0.00001);

    [Fact]
    public void Losses_TakenBack_DoNotCount()
    {
        Settle(400, 2);
        _lost -= 2;
        Settle(400, 2);
        _lost -= 2;

        for (var i = 0; i < 10; i++)
        {
            Assert.False(Settle(400, 0));
        }

        Assert.False(_meter.IsOn);
    }

    [Fact]
    public void Losses_OfABlackHole_AreForgotten()
    {
        for (var i = 0; i < 10; i++)
        {
            Settle(400, 2);
            _acked += 100;
            _lost += 100;
            _meter.Forget(_acked, _lost);
            Assert.False(Settle(400, 4));
            _meter.Forget(_acked, _lost);
        }

        Assert.False(_meter.IsOn);
    }

    private void BeginAnew()
    {
        _meter = new LossMeter();
        (_acked, _lost) = (0, 0);
    }

    private bool Settle(ulong acked, ulong lost, ulong rtt = FarRtt, double hidden = 0)
    {
        _acked += acked;
        _lost += lost;
        return _meter.Update(_acked, _lost, rtt, _now, hidden);
    }
}
