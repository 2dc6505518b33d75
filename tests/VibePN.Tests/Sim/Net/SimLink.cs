namespace VibePN.Tests.Sim;

/// <summary>What the way between two machines does to packets, in one direction.</summary>
internal sealed record SimLink
{
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Added to the delay, evenly distributed: reorders.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>0 to 1.</summary>
    public double Duplication { get; init; }

    /// <summary>0 to 1: of packets that are overtaken by those of the next <see cref="ReorderDelay"/>.</summary>
    public double Reordering { get; init; }

    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The largest UDP payload that passes; longer ones vanish.</summary>
    public int MaxUdpBytes { get; init; } = 1472;

    /// <summary>0: unlimited. Packets count as the next multiple of 128 bytes: TLS makes a few bytes differ from run to run.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>What waits for the rate; beyond, packets vanish.</summary>
    public int QueueBytes { get; init; } = 256 * 1024;

    public bool IsUp { get; init; } = true;
}
