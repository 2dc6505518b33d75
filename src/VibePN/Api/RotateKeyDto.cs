namespace VibePN.Api;

/// <summary>What <c>rotate-key</c> prints with <c>--json</c>.</summary>
public sealed record RotateKeyDto
{
    /// <summary>First fingerprint, which stays.</summary>
    public required string Id { get; init; }

    /// <summary>Fingerprint of the key before.</summary>
    public required string OldKey { get; init; }

    /// <summary>Until when peers take that one as well.</summary>
    public DateTimeOffset OldKeyUntilUtc { get; init; }

    /// <summary>Absent: nothing was written.</summary>
    public string? NewKey { get; init; }

    public bool DryRun { get; init; }

    /// <summary>Where certificate and key of before are kept.</summary>
    public IReadOnlyList<string> Backups { get; init; } = [];

    /// <summary>What became of it in the daemon; absent: it was not asked.</summary>
    public EditReloadState? Daemon { get; init; }

    /// <summary>Why the daemon has not taken it into use.</summary>
    public string? Error { get; init; }
}
