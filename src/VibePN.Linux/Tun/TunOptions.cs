namespace VibePN.Linux;

/// <summary>How a <see cref="TunDevice"/> is opened.</summary>
public sealed record TunOptions
{
    /// <summary>Checksum and segmentation offloads, as far as the kernel has them and they pass the self-test.</summary>
    public bool Offloads { get; init; }

    /// <summary>Tries the offloads first, in a namespace of its own (some milliseconds).</summary>
    public bool SelfTest { get; init; } = true;

    /// <summary>Its verdict counts as the self-test; null: one is made for this interface alone.</summary>
    public TunTrial? Trial { get; init; }
}
