namespace VibePN.Api;

/// <summary>What one of the two daemons knows of the way to the other, the worst while it was measured. Absent: not known.</summary>
public sealed class BenchEndDto
{
    /// <summary>The largest IP packet that the path carries whole.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>Share of datagrams that were lost on the way to the other: 0 to 1.</summary>
    public double? Loss { get; init; }

    /// <summary>Loss repair was on.</summary>
    public bool? Repair { get; init; }

    /// <summary>The longest wait in the queue towards the other.</summary>
    public double? QueueMillis { get; init; }

    /// <summary>Offloads that are not in use: <c>udpGso</c>, <c>udpGro</c>, <c>tcp</c>, <c>udp</c>.</summary>
    public IReadOnlyList<string> OffloadsOff { get; init; } = [];
}
