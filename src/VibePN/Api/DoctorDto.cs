namespace VibePN.Api;

/// <summary>What <c>vibepn doctor</c> found.</summary>
public sealed record DoctorDto
{
    /// <summary>Of the program that looked.</summary>
    public required string Version { get; init; }

    /// <summary>The config file that was looked at.</summary>
    public required string Config { get; init; }

    /// <summary>A daemon answered.</summary>
    public bool DaemonRuns { get; init; }

    /// <summary>Findings of that severity.</summary>
    public int Errors { get; init; }

    public int Warnings { get; init; }

    public double Millis { get; init; }

    /// <summary>At least one for each check that was made, in a fixed order of checks.</summary>
    public IReadOnlyList<FindingDto> Findings { get; init; } = [];

    public IReadOnlyList<SkippedCheckDto> Skipped { get; init; } = [];
}
