namespace VibePN.Api;

/// <summary>Which of the kernel's offloads the UDP socket uses.</summary>
public sealed record OffloadsDto
{
    /// <summary>UDP_SEGMENT: runs of packets leave in one call.</summary>
    public bool UdpGso { get; init; }

    /// <summary>Why it is not used; absent when it is.</summary>
    public string? UdpGsoReason { get; init; }

    /// <summary>UDP_GRO: runs of packets arrive in one call.</summary>
    public bool UdpGro { get; init; }

    public string? UdpGroReason { get; init; }
}
