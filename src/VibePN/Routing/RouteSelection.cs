namespace VibePN.Routing;

/// <summary>Why one of several peers' routes to a prefix carries its packets, or why it waits.</summary>
internal enum RouteStanding
{
    /// <summary>Nobody else announces the prefix.</summary>
    Alone,

    /// <summary>Chosen: smaller metric than the next one.</summary>
    LowerMetric,

    /// <summary>Chosen: smaller round-trip time than the next one.</summary>
    LowerRtt,

    /// <summary>Chosen before, and no other is better by enough, for long enough.</summary>
    Kept,

    /// <summary>Chosen: the others do not answer.</summary>
    OthersUnusable,

    /// <summary>Chosen though it does not answer: none does.</summary>
    NoneUsable,

    /// <summary>Waits: larger metric.</summary>
    HigherMetric,

    /// <summary>Waits: not faster by enough.</summary>
    NotFaster,

    /// <summary>Waits: faster, but not for long enough yet.</summary>
    FasterRecently,

    /// <summary>Waits: smaller metric, but the peer is back for a short time only.</summary>
    BackRecently,

    /// <summary>Waits: the peer does not answer at present.</summary>
    Unusable,
}

/// <summary>What is known of the way to a peer.</summary>
/// <param name="UsableSinceNanos">When it last became usable.</param>
/// <param name="RttNanos">Smoothed; 0: not known.</param>
internal readonly record struct RoutePath(bool IsUsable, ulong UsableSinceNanos, ulong RttNanos);

/// <summary>One peer's route to a prefix that several announce.</summary>
internal readonly record struct RouteCandidate(PeerId Peer, uint Metric, RoutePath Path);

/// <summary>A peer that is faster than the chosen one, and since when.</summary>
internal readonly record struct RouteChallenge(PeerId Peer, ulong SinceNanos);

/// <param name="Index">Of the chosen candidate.</param>
/// <param name="Challenge">To be given to the next selection.</param>
/// <param name="ReviewNanos">When to select anew if nothing happens before; <see cref="ulong.MaxValue"/>: not.</param>
internal readonly record struct RouteChoice(int Index, RouteStanding Standing, RouteChallenge? Challenge, ulong ReviewNanos);

/// <summary>
/// Chooses between peers that announce the same prefix: by metric, then by round-trip time. A peer that does not answer loses to any that
/// does, at once; everything else happens only when it has held for a while, so that a peer that comes and goes moves the route twice each
/// time and never more. A pure function: what it has to remember is given to it.
/// </summary>
internal static class RouteSelection
{
    /// <summary>Who has come back has to stay for so long before a smaller metric counts.</summary>
    public const ulong StableNanos = 5_000_000_000;

    /// <summary>Who is faster has to be so for this long.</summary>
    public const ulong FasterForNanos = 10_000_000_000;

    /// <summary>Faster: by this, and by a fifth.</summary>
    public const ulong FasterByNanos = 5_000_000;

    /// <summary>Round-trip times of equal metrics are compared so often.</summary>
    public const ulong CompareNanos = 2_000_000_000;

    /// <param name="candidates">At least one; of each peer at most one.</param>
    /// <param name="holder">Who was chosen before.</param>
    /// <param name="challenge">As the selection before gave it.</param>
    public static RouteChoice Select(IReadOnlyList<RouteCandidate> candidates, PeerId? holder, RouteChallenge? challenge, ulong nowNanos)
    {
        var held = -1;
        var best = -1;
        var usable = 0;
        for (var i = 0; i < candidates.Count; i++)
        {
            usable += candidates[i].Path.IsUsable ? 1 : 0;
            held = candidates[i].Peer == holder ? i : held;
            best = best < 0 || IsBefore(candidates[i], candidates[best]) ? i : best;
        }

        if (usable == 0)
        {
            return new RouteChoice(held >= 0 ? held : best, RouteStanding.NoneUsable, null, ulong.MaxValue);
        }

        if (candidates.Count == 1)
        {
            return new RouteChoice(0, RouteStanding.Alone, null, ulong.MaxValue);
        }

        if (held < 0 || !candidates[held].Path.IsUsable)
        {
            return Chosen(candidates, best, usable, nowNanos);
        }

        if (candidates[best].Metric < candidates[held].Metric)
        {
            return ByMetric(candidates, held, usable, nowNanos);
        }

        return ByRtt(candidates, held, usable, challenge, nowNanos);
    }

    /// <summary>What to say of one that was not chosen.</summary>
    public static RouteStanding StandingOf(in RouteCandidate loser, in RouteCandidate chosen, RouteChallenge? challenge) =>
        !loser.Path.IsUsable ? RouteStanding.Unusable
        : loser.Metric > chosen.Metric ? RouteStanding.HigherMetric
        : loser.Metric < chosen.Metric ? RouteStanding.BackRecently
        : challenge?.Peer == loser.Peer ? RouteStanding.FasterRecently
        : RouteStanding.NotFaster;

    /// <summary>A new choice: there is nobody to keep.</summary>
    private static RouteChoice Chosen(IReadOnlyList<RouteCandidate> candidates, int best, int usable, ulong nowNanos)
    {
        var standing = usable == 1 ? RouteStanding.OthersUnusable
            : candidates.Any(other => other.Path.IsUsable && other.Peer != candidates[best].Peer && other.Metric == candidates[best].Metric) ? RouteStanding.LowerRtt
            : RouteStanding.LowerMetric;
        return new RouteChoice(best, standing, null, standing == RouteStanding.LowerRtt ? nowNanos + CompareNanos : ulong.MaxValue);
    }

    /// <summary>Somebody has a smaller metric than the holder.</summary>
    private static RouteChoice ByMetric(IReadOnlyList<RouteCandidate> candidates, int held, int usable, ulong nowNanos)
    {
        var best = -1;
        var review = ulong.MaxValue;
        for (var i = 0; i < candidates.Count; i++)
        {
            if (!candidates[i].Path.IsUsable || candidates[i].Metric >= candidates[held].Metric)
            {
                continue;
            }

            var stable = candidates[i].Path.UsableSinceNanos + StableNanos;
            if (stable > nowNanos)
            {
                review = Math.Min(review, stable);
            }
            else if (best < 0 || IsBefore(candidates[i], candidates[best]))
            {
                best = i;
            }
        }

        if (best < 0)
        {
            return new RouteChoice(held, RouteStanding.Kept, null, review);
        }

        var chosen = Chosen(candidates, best, usable, nowNanos);
        return chosen with { ReviewNanos = Math.Min(review, chosen.ReviewNanos) };
    }

    /// <summary>Nobody has a smaller metric; of those with the same one somebody may be faster.</summary>
    private static RouteChoice ByRtt(IReadOnlyList<RouteCandidate> candidates, int held, int usable, RouteChallenge? challenge, ulong nowNanos)
    {
        var fastest = -1;
        var equals = 0;
        var challenger = -1;
        for (var i = 0; i < candidates.Count; i++)
        {
            if (i == held || !candidates[i].Path.IsUsable || candidates[i].Metric != candidates[held].Metric)
            {
                continue;
            }

            equals++;
            if (IsFaster(candidates[i], candidates[held]))
            {
                fastest = fastest < 0 || IsBefore(candidates[i], candidates[fastest]) ? i : fastest;
                challenger = candidates[i].Peer == challenge?.Peer ? i : challenger;
            }
        }

        if (fastest < 0)
        {
            return equals == 0
                ? new RouteChoice(held, usable == 1 ? RouteStanding.OthersUnusable : RouteStanding.LowerMetric, null, ulong.MaxValue)
                : new RouteChoice(held, RouteStanding.Kept, null, nowNanos + CompareNanos);
        }

        // Whoever was faster first stays the challenger: two that are both faster must not begin the time anew in turn.
        var since = challenger >= 0 ? challenge!.Value.SinceNanos : nowNanos;
        challenger = challenger >= 0 ? challenger : fastest;
        return nowNanos >= since + FasterForNanos
            ? new RouteChoice(challenger, RouteStanding.LowerRtt, null, nowNanos + CompareNanos)
            : new RouteChoice(
                held,
                RouteStanding.Kept,
                new RouteChallenge(candidates[challenger].Peer, since),
                Math.Min(nowNanos + CompareNanos, since + FasterForNanos));
    }

    private static bool IsFaster(in RouteCandidate one, in RouteCandidate other)
    {
        var (mine, theirs) = (one.Path.RttNanos, other.Path.RttNanos);
        return mine > 0 && theirs > mine && theirs - mine >= Math.Max(FasterByNanos, theirs / 5);
    }

    /// <summary>The order in which a new choice is made.</summary>
    private static bool IsBefore(in RouteCandidate one, in RouteCandidate other) =>
        one.Path.IsUsable != other.Path.IsUsable ? one.Path.IsUsable
        : one.Metric != other.Metric ? one.Metric < other.Metric
        : one.Path.RttNanos != other.Path.RttNanos ? unchecked(one.Path.RttNanos - 1 < other.Path.RttNanos - 1)
        : one.Peer.CompareTo(other.Peer) < 0;
}
