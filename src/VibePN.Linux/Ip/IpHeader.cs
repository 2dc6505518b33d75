namespace VibePN.Linux;

/// <summary>A view of a valid IPv4 or IPv6 header: version, header length and total length fit the packet exactly.</summary>
public readonly ref struct IpHeader
{
    /// <summary>4 or 6.</summary>
    public int Version { get; init; }

    /// <summary>4 or 16 bytes.</summary>
    public ReadOnlySpan<byte> Source { get; init; }

    public ReadOnlySpan<byte> Destination { get; init; }

    /// <summary>The upper layer (after IPv6 extension headers): 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6, …; of a fragment that is not the first: as its header says.</summary>
    public byte Protocol { get; init; }

    /// <summary>Where the upper layer starts.</summary>
    public int PayloadOffset { get; init; }

    /// <summary>DSCP and ECN.</summary>
    public byte TrafficClass { get; init; }

    public bool IsFragment { get; init; }

    /// <summary>The fragment with offset 0; false when no fragment.</summary>
    public bool IsFirstFragment { get; init; }

    /// <summary>IPv4's DF; always true for IPv6.</summary>
    public bool DontFragment { get; init; }

    public int TotalLength { get; init; }

    public static bool TryParse(ReadOnlySpan<byte> packet, out IpHeader header) => throw new NotImplementedException();
}
