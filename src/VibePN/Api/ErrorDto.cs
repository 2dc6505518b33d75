namespace VibePN.Api;

/// <summary>The body of every answer that is no success.</summary>
public sealed record ErrorDto
{
    /// <summary>What is wrong, and what to do.</summary>
    public required string Error { get; init; }
}
