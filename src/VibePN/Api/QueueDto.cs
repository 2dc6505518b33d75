namespace VibePN.Api;

/// <summary>Packets that wait until the line to a peer takes them; counts are since the peer was configured.</summary>
public sealed record QueueDto
{
    public int Bytes { get; init; }

    public int Frames { get; init; }

    /// <summary>How long the oldest has waited.</summary>
    public double WaitMillis { get; init; }

    /// <summary>The longest that one waited in the last 5 to 10 s.</summary>
    public double MaxWaitMillis { get; init; }

    /// <summary>Packets marked CE (ECN) instead of being dropped.</summary>
    public long Marked { get; init; }

    /// <summary>Packets dropped because their flow waited too long.</summary>
    public long DroppedByCoDel { get; init; }

    /// <summary>Packets dropped because the queue was full.</summary>
    public long DroppedFull { get; init; }
}
