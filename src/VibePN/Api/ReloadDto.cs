using VibePN.Config;

namespace VibePN.Api;

/// <summary>Answer of <c>POST /v1/reload</c>.</summary>
public sealed record ReloadDto
{
    /// <summary>The file that was read.</summary>
    public required string Config { get; init; }

    public bool DryRun { get; init; }

    /// <summary>The file is in force now, whether it made a difference or not.</summary>
    public bool Applied { get; init; }

    /// <summary>From the config that was in force to the file.</summary>
    public IReadOnlyList<ConfigChangeDto> Changes { get; init; } = [];

    /// <summary>What would keep it from being taken into use; of a dry run only, otherwise they are the error.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>Worth knowing, and no obstacle.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Until when it has to be confirmed; absent: it has not.</summary>
    public DateTimeOffset? ConfirmByUtc { get; init; }

    public static ReloadDto Of(ReloadResult result, string config, bool dryRun) => new()
    {
        Config = config,
        DryRun = dryRun,
        Applied = result.IsApplied,
        Changes = [.. result.Changes.Select(ConfigChangeDto.Of)],
        Problems = result.Problems,
        Notes = result.Notes,
        ConfirmByUtc = result.ConfirmBy,
    };
}
