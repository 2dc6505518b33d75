namespace VibePN.Config;

/// <summary>The table <c>[tuning]</c>: what is used of the kernel and of libraries when they have it. For comparison, and for hosts on which one of them misbehaves.</summary>
public sealed record TuningSettings
{
    /// <summary>Super-packets and partial checksums between the host and this node.</summary>
    public bool TunOffloads { get; init; } = true;

    /// <summary>UDP_SEGMENT.</summary>
    public bool UdpGso { get; init; } = true;

    /// <summary>UDP_GRO.</summary>
    public bool UdpGro { get; init; } = true;

    public CryptoChoice Crypto { get; init; } = CryptoChoice.Auto;
}
