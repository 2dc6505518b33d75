namespace VibePN.Api;

/// <summary>A check of <c>doctor</c> that could not be made.</summary>
public sealed record SkippedCheckDto
{
    public required string Check { get; init; }

    public required string Why { get; init; }
}
