namespace VibePN.Api;

/// <summary>A network this node is in.</summary>
public sealed record NetworkDto
{
    public required string Name { get; init; }

    public required string Interface { get; init; }

    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>The own addresses, one per prefix.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    public int MtuBytes { get; init; }

    public bool Export { get; init; }

    public TunOffloadsDto? Offloads { get; init; }
}
