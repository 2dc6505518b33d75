namespace VibePN.Api;

/// <summary>A prefix that packets can go to.</summary>
public sealed record RouteDto
{
    public required string Network { get; init; }

    public required string Prefix { get; init; }

    /// <summary>The peer's name; null: this node.</summary>
    public string? Peer { get; init; }

    /// <summary><c>own</c>, an <c>address</c> of the peer, or <c>announced</c> by it.</summary>
    public required string Source { get; init; }

    /// <summary>Announced with it; of two routes to one prefix the smaller is used. Null: an address, which has none.</summary>
    public uint? Metric { get; init; }

    public bool Used { get; init; }

    /// <summary>Good, but another peer's route to the same prefix is used at present.</summary>
    public bool StandBy { get; init; }

    /// <summary>Claimed on a connection that has ended since; never used.</summary>
    public bool Former { get; init; }

    /// <summary>What of this host or of another network it meets, for people; null: nothing.</summary>
    public string? Conflict { get; init; }

    /// <summary>Why it is used or not, for people.</summary>
    public string? Why { get; init; }
}
