using CsCheck;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Routing;

public sealed class RouteSelectionTests
{
    private const ulong Millisecond = 1_000_000;
    private const ulong Second = 1000 * Millisecond;
    private const ulong Now = 1000 * Second;
    private static readonly PeerId A = Id(1);
    private static readonly PeerId B = Id(2);

    [Fact]
    public void Select_OnlyOne_IsChosen() =>
        Assert.Equal((0, RouteStanding.Alone), Choice(null, Candidate(A)));

    [Fact]
    public void Select_NoHolder_SmallerMetricWinsBeforeRtt() =>
        Assert.Equal((1, RouteStanding.LowerMetric), Choice(null, Candidate(A, 10, rtt: 1), Candidate(B, 5, rtt: 100)));

    [Fact]
    public void Select_NoHolderEqualMetric_LowerRttWins() =>
        Assert.Equal((1, RouteStanding.LowerRtt), Choice(null, Candidate(A, 5, rtt: 20), Candidate(B, 5, rtt: 19)));

    [Fact]
    public void Select_RttNotKnown_LosesToOneThatIs() =>
        Assert.Equal((1, RouteStanding.LowerRtt), Choice(null, Candidate(A, 5, rtt: 0), Candidate(B, 5, rtt: 190)));

    [Fact]
    public void Select_HolderDoesNotAnswer_TheOtherIsChosenAtOnceWhateverItsMetric() =>
        Assert.Equal(
            (1, RouteStanding.OthersUnusable),
            Choice(A, Candidate(A, 1) with { Path = default }, Candidate(B, 500, age: 0)));

    [Fact]
    public void Select_NobodyAnswers_HolderKeepsIt() =>
        Assert.Equal((1, RouteStanding.NoneUsable), Choice(B, Candidate(A, 1) with { Path = default }, Candidate(B, 500) with { Path = default }));

    [Theory]
    [InlineData(4999u, 1)]
    [InlineData(5000u, 0)]
    public void Select_SmallerMetricIsBack_CountsWhenItHasStayed(uint ageMillis, int expected)
    {
        RouteCandidate[] both = [Candidate(A, 1, age: ageMillis), Candidate(B, 2)];

        var choice = RouteSelection.Select(both, B, null, Now);

        Assert.Equal(expected, choice.Index);
        Assert.Equal(expected == 1, choice.ReviewNanos == Now + Millisecond);
        Assert.Equal(expected == 1 ? RouteStanding.BackRecently : RouteStanding.HigherMetric, RouteSelection.StandingOf(both[1 - expected], both[expected], null));
    }

    [Theory]
    [InlineData(100u, 81u, false)]
    [InlineData(100u, 80u, true)]
    [InlineData(10u, 6u, false)]
    [InlineData(10u, 5u, true)]
    public void Select_Faster_OnlyByTheMarginAndAfterTenSeconds(uint held, uint other, bool isFaster)
    {
        RouteCandidate[] both = [Candidate(A, rtt: held), Candidate(B, rtt: other)];
        var first = RouteSelection.Select(both, A, null, Now);
        Assert.Equal((0, RouteStanding.Kept), (first.Index, first.Standing));
        Assert.Equal(isFaster, first.Challenge is not null);

        var almost = RouteSelection.Select(both, A, first.Challenge, Now + RouteSelection.FasterForNanos - 1);
        Assert.Equal(0, almost.Index);
        Assert.Equal(isFaster ? RouteStanding.FasterRecently : RouteStanding.NotFaster, RouteSelection.StandingOf(both[1], both[0], almost.Challenge));

        var then = RouteSelection.Select(both, A, almost.Challenge, Now + RouteSelection.FasterForNanos);
        Assert.Equal(isFaster ? 1 : 0, then.Index);
    }

    [Fact]
    public void Select_FasterWithAPause_BeginsTheTimeAnew()
    {
        RouteCandidate[] faster = [Candidate(A, rtt: 100), Candidate(B, rtt: 50)], same = [Candidate(A, rtt: 100), Candidate(B, rtt: 95)];
        var first = RouteSelection.Select(faster, A, null, Now);
        var pause = RouteSelection.Select(same, A, first.Challenge, Now + (9 * Second));
        Assert.Null(pause.Challenge);

        Assert.Equal(0, RouteSelection.Select(faster, A, pause.Challenge, Now + (11 * Second)).Index);
    }

    /// <summary>Whatever is given: the choice is one that answers if any does, and asking again at the same moment changes nothing.</summary>
    [Fact]
    public void Select_Anything_IsUsableAndStable()
    {
        var candidates = Gen.Select(Gen.UInt[0, 3], Gen.Bool, Gen.ULong[0, 20], Gen.ULong[0, 200])
            .Select((metric, usable, age, rtt) => (metric, usable, age, rtt)).Array[1, 5];
        Gen.Select(candidates, Gen.Int[-1, 5], Gen.Int[-1, 5], Gen.ULong[0, 20]).Sample((raw, holderIndex, challengerIndex, challengeAge) =>
        {
            RouteCandidate[] all =
            [
                .. raw.Select((one, i) => new RouteCandidate(
                    Id((byte)(i + 1)), one.metric, one.usable ? new RoutePath(true, Now - (one.age * Second), one.rtt * Millisecond) : default)),
            ];
            var holder = holderIndex < 0 ? (PeerId?)null : Id((byte)(holderIndex + 1));
            RouteChallenge? challenge = challengerIndex < 0 ? null : new RouteChallenge(Id((byte)(challengerIndex + 1)), Now - (challengeAge * Second));

            var choice = RouteSelection.Select(all, holder, challenge, Now);
            var again = RouteSelection.Select(all, all[choice.Index].Peer, choice.Challenge, Now);

            var isUsable = all[choice.Index].Path.IsUsable || !all.Any(one => one.Path.IsUsable);
            var better = all.Where(one => one.Path.IsUsable && one.Metric < all[choice.Index].Metric).ToList();
            var isJustified = better.TrueForAll(one => one.Path.UsableSinceNanos + RouteSelection.StableNanos > Now) || !all[choice.Index].Path.IsUsable;
            return isUsable && isJustified && again.Index == choice.Index && choice.ReviewNanos > Now;
        });
    }

    /// <summary>A peer of any metric and round-trip time that comes and goes moves the route at most twice each time.</summary>
    [Fact]
    public void Select_APeerThatComesAndGoes_MovesTheRouteTwiceEachTimeAtMost() =>
        Gen.Select(Gen.UInt[0, 2], Gen.UInt[0, 2], Gen.ULong[1, 100], Gen.ULong[1, 100], Gen.ULong[1, 30_000].Array[20]).Sample(
            (metricA, metricB, rttA, rttB, times) =>
            {
                PeerId? holder = null;
                RouteChallenge? challenge = null;
                var (now, moves, since) = (Now, 0, Now);
                for (var i = 0; i < times.Length; i++)
                {
                    var isUp = i % 2 == 0;
                    since = now;
                    for (var end = now + (times[i] * Millisecond); now < end; now += 100 * Millisecond)
                    {
                        RouteCandidate[] both =
                        [
                            new(A, metricA, isUp ? new RoutePath(true, since, rttA * Millisecond) : default),
                            new(B, metricB, new RoutePath(true, 0, rttB * Millisecond)),
                        ];
                        var choice = RouteSelection.Select(both, holder, challenge, now);
                        moves += holder is { } before && before != both[choice.Index].Peer ? 1 : 0;
                        (holder, challenge) = (both[choice.Index].Peer, choice.Challenge);
                    }
                }

                return moves <= times.Length;
            });

    private static (int Index, RouteStanding Standing) Choice(PeerId? holder, params RouteCandidate[] candidates)
    {
        var choice = RouteSelection.Select(candidates, holder, null, Now);
        return (choice.Index, choice.Standing);
    }

    private static RouteCandidate Candidate(PeerId peer, uint metric = 5, ulong rtt = 20, ulong age = 100_000) =>
        new(peer, metric, new RoutePath(true, Now - (age * Millisecond), rtt * Millisecond));

    private static PeerId Id(byte number)
    {
        var bytes = new byte[32];
        bytes[0] = number;
        return PeerId.Parse(Convert.ToHexStringLower(bytes));
    }
}
