namespace VibePN.Api;

/// <summary>Loss repair with a peer. Counters cover the present connection.</summary>
public sealed record RepairDto
{
    /// <summary>Packets to the peer that belong to an ordered flow are numbered, and sent again when they are lost.</summary>
    public required bool On { get; init; }

    /// <summary>It is on because too little was carried yet to know what the line loses.</summary>
    public required bool Trial { get; init; }

    /// <summary>Since when. Null: it never was on.</summary>
    public DateTimeOffset? SinceUtc { get; init; }

    /// <summary>The loss on the way to the peer that decides about it, as measured last: 0 to 1.</summary>
    public required double Loss { get; init; }

    /// <summary>From this loss on repair begins, below a quarter of it for 30 s it ends; it follows from the round trip.</summary>
    public required double Limit { get; init; }

    /// <summary>Out: packets sent again.</summary>
    public required long Resent { get; init; }

    /// <summary>Out: lost packets that were too old, or of which no copy was left.</summary>
    public required long GivenUp { get; init; }

    /// <summary>In: packets that came again while others waited for them.</summary>
    public required long Repaired { get; init; }

    /// <summary>In: packets that came after the wait for them had ended.</summary>
    public required long Late { get; init; }

    /// <summary>In: packets whose wait ended without them.</summary>
    public required long Missed { get; init; }

    /// <summary>In: packets that wait for others now.</summary>
    public required int Held { get; init; }
}
