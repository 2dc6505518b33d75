namespace VibePN.Api;

/// <summary>One thing that a check of <c>doctor</c> found. Texts are for people.</summary>
public sealed record FindingDto
{
    public FindingSeverity Severity { get; init; }

    /// <summary>Which check, such as <c>firewall.input</c>.</summary>
    public required string Check { get; init; }

    public required string What { get; init; }

    /// <summary>Why it is so, where the finding does not say it all.</summary>
    public string? Cause { get; init; }

    /// <summary>What to do, a command where there is one.</summary>
    public string? Cure { get; init; }

    /// <summary>Where in a file: <c>FILE:LINE</c>.</summary>
    public string? Place { get; init; }
}
