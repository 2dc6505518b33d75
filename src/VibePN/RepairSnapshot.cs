namespace VibePN;

/// <summary>Loss repair on a connection at one moment.</summary>
public sealed record RepairSnapshot
{
    /// <summary>Packets to the peer are numbered, kept and sent again when they are lost.</summary>
    public required bool IsOn { get; init; }

    /// <summary>On before it is known what the line loses, until it is.</summary>
    public required bool IsTrial { get; init; }

    /// <summary>When <see cref="IsOn"/> changed, in nanoseconds of CLOCK_BOOTTIME; 0: never.</summary>
    public required ulong ChangedNanos { get; init; }

    /// <summary>The loss that was measured last, on the way to the peer: 0 to 1.</summary>
    public required double Loss { get; init; }

    /// <summary>From this loss on repair begins: it follows from the round trip.</summary>
    public required double Limit { get; init; }

    /// <summary>Out: packets sent again.</summary>
    public required ulong Resent { get; init; }

    /// <summary>Out: lost packets that were not.</summary>
    public required ulong GivenUp { get; init; }

    /// <summary>In: packets that came again while others waited for them.</summary>
    public required ulong Repaired { get; init; }

    /// <summary>In: packets that came after the wait for them had ended.</summary>
    public required ulong Late { get; init; }

    /// <summary>In: packets whose wait ended without them.</summary>
    public required ulong Missed { get; init; }

    /// <summary>In: packets that wait for others now.</summary>
    public required int Held { get; init; }
}
