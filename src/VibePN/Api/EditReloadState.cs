namespace VibePN.Api;

/// <summary>Whether a changed config file is in force.</summary>
public enum EditReloadState
{
    /// <summary>The running daemon has taken it into use.</summary>
    Reloaded,

    /// <summary>None runs; the next start takes it into use.</summary>
    NotRunning,

    /// <summary>One runs, and still has the config before.</summary>
    Failed,
}
