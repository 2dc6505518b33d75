namespace VibePN.Bench.Relay;

/// <summary>One direction of a line that <see cref="LineQueue"/> plays. Probabilities from 0 to 1.</summary>
internal sealed record LineSettings
{
    public TimeSpan Delay { get; init; }

    /// <summary>Up to this much more per datagram, evenly spread; the order is kept.</summary>
    public TimeSpan Jitter { get; init; }

    public double Loss { get; init; }

    /// <summary>How many datagrams are held back by <see cref="ReorderDelay"/>, so that later ones pass them.</summary>
    public double Reorder { get; init; }

    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Of the line, headers of IPv4 and UDP counted; 0: without limit.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>What the token bucket lets pass at once after a pause.</summary>
    public int BurstBytes { get; init; } = 3_000;

    /// <summary>What waits for the rate; more is dropped, as at the tail of a router's queue.</summary>
    public int QueueBytes { get; init; } = 256 * 1024;
}
