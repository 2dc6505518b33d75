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

/// <summary>When to dial again: a pure function of what happened so far.</summary>
internal static class DialPolicy
{
    private const ulong Millisecond = 1_000_000;

    /// <summary>The larger node of a pair leaves the first dial to the smaller for this long, so that mostly one connection arises.</summary>
    public const ulong LargerNodeDelayNanos = 500 * Millisecond;

    /// <summary>An attempt that is not up by then is given up: a fresh one begins with fresh, close retransmissions.</summary>
    public static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Nanoseconds from the end of an attempt to the next.</summary>
    /// <param name="failure">How the attempt ended.</param>
    /// <param name="failures">Attempts that ended so, in a row; at least 1.</param>
    /// <param name="jitter">0 to 1, evenly distributed: spreads a mesh's attempts by ±20 %.</param>
    public static ulong DelayNanos(DialFailure failure, int failures, double jitter)
    {
        var (first, last) = failure switch
        {
            DialFailure.RefusedByPeer or DialFailure.WrongIdentity => (3000 * Millisecond, 60_000 * Millisecond),
            DialFailure.Lost => (50 * Millisecond, 2000 * Millisecond),
            _ => (250 * Millisecond, 5000 * Millisecond),
        };
        var doublings = Math.Clamp(failures - 1, 0, 16);
        var delay = Math.Min(first << doublings, last);
        return (ulong)(delay * (0.8 + (0.4 * Math.Clamp(jitter, 0, 1))));
    }
}
