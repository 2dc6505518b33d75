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

    public bool Used { get; init; }

    /// <summary>Why it is used or not, when there is more to say: <c>peer is down</c>, <c>not allowed</c>, <c>longer metric</c>.</summary>
    public string? Why { get; init; }
}
