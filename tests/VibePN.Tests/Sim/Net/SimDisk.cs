namespace VibePN.Tests.Sim;

/// <summary>What becomes of what a node wants to remember.</summary>
internal enum SimDisk
{
    /// <summary>It is on disk at once.</summary>
    Works,

    /// <summary>It never is.</summary>
    Hangs,

    /// <summary>It cannot be written, and the node is told.</summary>
    Fails,
}
