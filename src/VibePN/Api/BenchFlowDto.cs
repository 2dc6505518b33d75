namespace VibePN.Api;

/// <summary>One flow between this node and the peer. Absent: not measured, or not known.</summary>
public sealed class BenchFlowDto
{
    /// <summary>Through the tunnel; false: beside it.</summary>
    public bool Inside { get; init; }

    /// <summary><c>tcp</c> or <c>udp</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>To the peer; false: from it.</summary>
    public bool Up { get; init; }

    /// <summary>What arrived, of TCP without the first fifth of the time.</summary>
    public double MegabitsPerSecond { get; init; }

    /// <summary>TCP: round trip beside the flow, median.</summary>
    public double? LoadedMillis { get; init; }

    /// <summary>TCP: likewise, of 100 not more than 5 took longer.</summary>
    public double? LoadedP95Millis { get; init; }

    /// <summary>Processor time of the daemon here: 1 is one core.</summary>
    public double? DaemonHere { get; init; }

    /// <summary>Of the daemon there.</summary>
    public double? DaemonThere { get; init; }

    /// <summary>Share of all processors here that had work, of whichever program: 0 to 1.</summary>
    public double? BusyHere { get; init; }

    public double? BusyThere { get; init; }

    /// <summary>UDP: datagrams sent.</summary>
    public long? Sent { get; init; }

    /// <summary>UDP: that arrived, each counted once.</summary>
    public long? Received { get; init; }

    /// <summary>UDP: share that did not arrive, 0 to 1.</summary>
    public double? Loss { get; init; }

    /// <summary>UDP: interarrival jitter, RFC 3550 §6.4.1.</summary>
    public double? JitterMillis { get; init; }

    /// <summary>UDP: that came after a later one.</summary>
    public long? Reordered { get; init; }
}
