using System.Net;
using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class DialPolicyTests
{
    [Fact]
    public void DelayNanos_RefusedPeer_AtMostSixAttemptsInThirtySeconds()
    {
        // The earliest possible schedule: no time is spent in the attempts, and every jitter is the shortest.
        var attempts = 1;
        for (var at = 0UL; ; attempts++)
        {
            at += DialPolicy.DelayNanos(DialFailure.RefusedByPeer, attempts, jitter: 0);
            if (at > 30_000_000_000)
            {
                break;
            }
        }

        Assert.InRange(attempts, 2, 6);
    }

    [Theory]
    [InlineData(DialFailure.Timeout)]
    [InlineData(DialFailure.Unreachable)]
    [InlineData(DialFailure.Lost)]
    public void DelayNanos_PeerThatIsAway_NeverLongerThanSixSeconds(DialFailure failure)
    {
        for (var failures = 1; failures < 1000; failures++)
        {
            Assert.InRange(DialPolicy.DelayNanos(failure, failures, jitter: 1), 1UL, 6_000_000_000UL);
        }
    }

    [Fact]
    public void DelayNanos_MoreFailures_NeverShorter()
    {
        foreach (var failure in Enum.GetValues<DialFailure>())
        {
            for (var failures = 1; failures < 100; failures++)
            {
                Assert.True(DialPolicy.DelayNanos(failure, failures, 0.5) <= DialPolicy.DelayNanos(failure, failures + 1, 0.5));
            }
        }
    }

    [Fact]
    public void SilenceDelayNanos_TwoHoursOfSilence_CloseAtFirstAndRareLater()
    {
        ulong at = 0;
        var early = 0;
        var launched = 0;
        while (at < 7_200_000_000_000)
        {
            launched++;
            early += at < 10_000_000_000 ? 1 : 0;
            at += DialPolicy.SilenceDelayNanos(launched, 1, isUnanswered: false, jitter: 0.5);
        }

        Assert.InRange(early, 19, 21);
        Assert.InRange(launched, 1400, 1500);
    }

    [Fact]
    public void SilenceDelayNanos_SeveralAddresses_TheyRaceAndARoundIsAsLongAsForOne()
    {
        Assert.Equal(DialPolicy.RaceDelayNanos, DialPolicy.SilenceDelayNanos(1, 3, false, 0.5));
        Assert.Equal(DialPolicy.RaceDelayNanos, DialPolicy.SilenceDelayNanos(2, 3, false, 0.5));
        Assert.Equal(500_000_000UL, DialPolicy.SilenceDelayNanos(3, 3, false, 0.5));
        Assert.Equal(500_000_000UL, DialPolicy.SilenceDelayNanos(59, 1, true, 0.5));
        Assert.Equal(5_000_000_000UL, DialPolicy.SilenceDelayNanos(100, 1, true, 0.5));
    }

    [Theory]
    [InlineData(null, "192.0.2.1:1 192.0.2.2:1 [2001:db8::1]:1 [2001:db8::2]:1", "[2001:db8::1]:1 192.0.2.1:1 [2001:db8::2]:1 192.0.2.2:1")]
    [InlineData("192.0.2.2:1", "192.0.2.1:1 192.0.2.2:1 [2001:db8::1]:1", "192.0.2.2:1 [2001:db8::1]:1 192.0.2.1:1")]
    [InlineData("192.0.2.9:1", "192.0.2.1:1", "192.0.2.9:1 192.0.2.1:1")]
    [InlineData("192.0.2.9:1", "", "192.0.2.9:1")]
    [InlineData(null, "192.0.2.1:1", "192.0.2.1:1")]
    [InlineData(null, "", "")]
    public void Order_LastSeenFirstThenFamiliesInTurn(string? seen, string known, string expected)
    {
        var addresses = known.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IPEndPoint.Parse).ToList();
        Assert.Equal(expected, string.Join(" ", DialPolicy.Order(addresses, seen is null ? null : IPEndPoint.Parse(seen))));
    }
}
