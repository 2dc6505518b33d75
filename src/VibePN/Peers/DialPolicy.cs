using System.Net;
using System.Net.Sockets;

namespace VibePN.Peers;

/// <summary>How the last attempt to reach a peer ended; it decides when the next is worth its packets.</summary>
public enum DialFailure
{
    None,

    /// <summary>The peer does not accept our certificate: only a person can change that.</summary>
    RefusedByPeer,

    /// <summary>Another identity answered at the address, or one that is not valid: likewise.</summary>
    WrongIdentity,

    /// <summary>No answer.</summary>
    Timeout,

    /// <summary>The kernel has no way there, or the name does not resolve.</summary>
    Unreachable,

    /// <summary>The connection was up and ended.</summary>
    Lost,
}

/// <summary>When to dial again, and where: pure functions of what happened so far. Times are nanoseconds.</summary>
internal static class DialPolicy
{
    private const ulong Millisecond = 1_000_000;

    /// <summary>The larger node of a pair leaves the first dial to the smaller for this long, so that mostly one connection arises.</summary>
    public const ulong LargerNodeDelayNanos = 500 * Millisecond;

    /// <summary>Between attempts at different addresses of one peer, which race (RFC 8305 §5).</summary>
    public const ulong RaceDelayNanos = 250 * Millisecond;

    /// <summary>An attempt that answers at all holds back a fresh one for this long after its last packet.</summary>
    public const ulong AnsweringNanos = 1000 * Millisecond;

    /// <summary>Attempts to reach one peer at once: as many as begin within the time of one.</summary>
    public const int AttemptsAtOnce = 6;

    /// <summary>A fresh attempt begins so long after one that nobody answers: its packets come close together, those of the old one double.</summary>
    private const ulong FreshNanos = 500 * Millisecond;

    /// <summary>Fresh attempts at that pace: for 10 s of silence, or 30 s while packets wait for an answer. Afterwards they become rare.</summary>
    private const int FastAttempts = 20;
    private const int FastAttemptsUnanswered = 60;

    private const ulong SlowestNanos = 5000 * Millisecond;

    /// <summary>As the three above, where only an introducer says that the peer is there: it may be somebody else's address.</summary>
    public const int HearsayAttemptsAtOnce = 2;

    private const int FastHearsayAttempts = 4;
    private const ulong SlowestHearsayNanos = 15_000 * Millisecond;

    /// <summary>Other addresses of an introduced peer are taken so often.</summary>
    public const ulong HearsayMoveNanos = 30_000 * Millisecond;

    /// <summary>An attempt for which there is no room at the time (<see cref="HearsayDials"/>) is due again after about this time.</summary>
    private const ulong HearsayDelayNanos = 250 * Millisecond;

    /// <summary>Waits end together with others: looking for what is due costs a walk through all peers.</summary>
    private const ulong HearsayStepNanos = 50 * Millisecond;

    /// <summary>An attempt that is not up by then is given up.</summary>
    public static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(3);

    /// <summary>From the end of an attempt to the next.</summary>
    /// <param name="failure">How the attempt ended.</param>
    /// <param name="failures">Attempts that ended so, in a row; at least 1.</param>
    /// <param name="jitter">0 to 1, evenly distributed: spreads a mesh's attempts by ±20 %.</param>
    public static ulong DelayNanos(DialFailure failure, int failures, double jitter)
    {
        var (first, last) = failure switch
        {
            DialFailure.RefusedByPeer or DialFailure.WrongIdentity => (3000 * Millisecond, 60_000 * Millisecond),
            DialFailure.Lost => (50 * Millisecond, 2000 * Millisecond),
            _ => (250 * Millisecond, SlowestNanos),
        };
        return Jittered(Doubled(first, failures - 1, last), jitter);
    }

    /// <summary>From the start of an attempt to the next, while nobody has answered.</summary>
    /// <param name="launched">Attempts since the peer was last reached; at least 1.</param>
    /// <param name="addresses">How many addresses the peer has; 1 at least. They are tried in turn.</param>
    /// <param name="isUnanswered">Packets are under way on a connection in doubt.</param>
    /// <param name="jitter">As in <see cref="DelayNanos"/>.</param>
    /// <param name="isHearsay">Only an introducer says that the peer is there.</param>
    public static ulong SilenceDelayNanos(int launched, int addresses, bool isUnanswered, double jitter, bool isHearsay = false)
    {
        var isRace = launched % Math.Max(addresses, 1) != 0;
        var rounds = launched / Math.Max(addresses, 1);
        var slow = isHearsay ? Doubled(FreshNanos, rounds - FastHearsayAttempts, SlowestHearsayNanos)
            : Doubled(FreshNanos, rounds - (isUnanswered ? FastAttemptsUnanswered : FastAttempts), SlowestNanos);
        return Jittered(isRace ? RaceDelayNanos : slow, jitter);
    }

    /// <summary>When there may be room for one more attempt by hearsay.</summary>
    /// <param name="jitter">As in <see cref="DelayNanos"/>: whose turn it is is chance, so nobody waits for ever.</param>
    public static ulong HearsayDueNanos(ulong nowNanos, double jitter) =>
        (nowNanos + Jittered(HearsayDelayNanos, jitter) + HearsayStepNanos - 1) / HearsayStepNanos * HearsayStepNanos;

    /// <summary>Where to try, in order: the last place it was seen at, then the families in turn, beginning with the other one (RFC 8305 §4).</summary>
    /// <param name="known">As configured or resolved, each once.</param>
    /// <param name="seen">Where the peer was last connected, or null.</param>
    public static IReadOnlyList<IPEndPoint> Order(IReadOnlyList<IPEndPoint> known, IPEndPoint? seen)
    {
        if (known.Count + (seen is null ? 0 : 1) < 2)
        {
            return seen is null ? known : [seen];
        }

        var first = seen?.AddressFamily ?? AddressFamily.InterNetwork;
        var others = known.Where(address => !address.Equals(seen)).ToList();
        var odd = others.FindAll(address => address.AddressFamily != first);
        var even = others.FindAll(address => address.AddressFamily == first);
        List<IPEndPoint> order = seen is null ? [] : [seen];
        for (var i = 0; i < Math.Max(odd.Count, even.Count); i++)
        {
            order.AddRange(odd.Skip(i).Take(1));
            order.AddRange(even.Skip(i).Take(1));
        }

        return order;
    }

    private static ulong Doubled(ulong first, int times, ulong last) => Math.Min(first << Math.Clamp(times, 0, 16), last);

    private static ulong Jittered(ulong delay, double jitter) => (ulong)(delay * (0.8 + (0.4 * Math.Clamp(jitter, 0, 1))));
}
