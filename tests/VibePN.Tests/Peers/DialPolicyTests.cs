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
}
