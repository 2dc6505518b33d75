namespace VibePN.Api;

/// <summary>Answer of <c>GET /v1/peers/NAME</c>: a configured peer, and what became of it of late. Lists are oldest first.</summary>
public sealed record PeerHistoryDto
{
    public required PeerDto Peer { get; init; }

    /// <summary>The latest 32 changes of its state or of the reason.</summary>
    public IReadOnlyList<PeerEventDto> Events { get; init; } = [];

    /// <summary>Its path in intervals of 10 s, the latest 64; where time is missing it was not connected.</summary>
    public IReadOnlyList<PathSampleDto> Samples { get; init; } = [];
}

/// <summary>A change of a peer's state.</summary>
public sealed record PeerEventDto
{
    public DateTimeOffset AtUtc { get; init; }

    public PeerState State { get; init; }

    public string? Reason { get; init; }
}

/// <summary>The path to a peer over 10 s.</summary>
public sealed record PathSampleDto
{
    /// <summary>Its end.</summary>
    public DateTimeOffset AtUtc { get; init; }

    /// <summary>Smoothed.</summary>
    public double? RttMillis { get; init; }

    /// <summary>Datagrams acknowledged or lost.</summary>
    public long Datagrams { get; init; }

    public long Lost { get; init; }
}
