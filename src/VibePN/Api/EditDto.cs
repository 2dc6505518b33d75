namespace VibePN.Api;

/// <summary>What a command that edits the config file prints with <c>--json</c>.</summary>
public sealed record EditDto
{
    /// <summary>The file.</summary>
    public required string Config { get; init; }

    /// <summary>It was written, or would be.</summary>
    public bool Changed { get; init; }

    public bool DryRun { get; init; }

    /// <summary>As <c>diff -u</c> writes it.</summary>
    public required string Diff { get; init; }

    /// <summary>Where the file before is kept; absent: nothing was written.</summary>
    public string? Backup { get; init; }

    /// <summary>What became of it in the daemon; absent: it was not asked.</summary>
    public EditReloadState? Daemon { get; init; }

    /// <summary>The daemon's answer.</summary>
    public ReloadDto? Reload { get; init; }

    /// <summary>Why the daemon has not taken it into use.</summary>
    public string? Error { get; init; }
}
