namespace VibePN.Api;

/// <summary>Which of the kernel's offloads a network's interface uses.</summary>
public sealed record TunOffloadsDto
{
    /// <summary>Checksums, and TCP in super-packets.</summary>
    public bool Tcp { get; init; }

    /// <summary>Why not; absent when it does.</summary>
    public string? TcpReason { get; init; }

    /// <summary>UDP in super-packets.</summary>
    public bool Udp { get; init; }

    public string? UdpReason { get; init; }
}
