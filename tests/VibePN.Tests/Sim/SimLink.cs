namespace VibePN.Tests.Sim;

/// <summary>What the way between two hosts does to packets, in one direction.</summary>
internal sealed record SimLink
{
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Added to the delay, evenly distributed: reorders.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>0 to 1.</summary>
    public double Duplication { get; init; }

    /// <summary>The largest UDP payload that passes; longer ones vanish.</summary>
    public int MaxUdpBytes { get; init; } = 1472;

    public bool IsUp { get; init; } = true;
}
