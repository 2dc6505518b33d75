namespace VibePN.Api;

/// <summary>A peer that was removed here and that no introduction brings back.</summary>
public sealed record KeptOutDto
{
    /// <summary>What it was called here.</summary>
    public required string Name { get; init; }

    /// <summary>Its fingerprint.</summary>
    public required string Id { get; init; }

    public DateTimeOffset SinceUtc { get; init; }
}
