namespace VibePN.Capture;

/// <summary>Which packets are captured, and how much of each.</summary>
/// <param name="Peer">By name; null: all, and those that belong to none.</param>
/// <param name="Network">By name; null: all.</param>
/// <param name="DroppedOnly">Only what went no further.</param>
/// <param name="SnapBytes">Of each packet at most, from its first byte.</param>
public sealed record CaptureFilter(string? Peer, string? Network, bool DroppedOnly, int SnapBytes)
{
    /// <summary>As much as an IP packet can have.</summary>
    public const int MaxSnapBytes = 65_535;
}
