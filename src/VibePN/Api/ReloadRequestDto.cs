namespace VibePN.Api;

/// <summary>Body of <c>POST /v1/reload</c>; no body: everything by default.</summary>
public sealed record ReloadRequestDto
{
    /// <summary>Only tell what would be done.</summary>
    public bool DryRun { get; init; }

    /// <summary>Undo it after so long unless it is confirmed, 1 to 86,400.</summary>
    public double? ConfirmWithinSeconds { get; init; }

    /// <summary>The config file that is meant, absolute; another than the daemon's is refused.</summary>
    public string? Config { get; init; }
}
