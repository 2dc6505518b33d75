namespace VibePN.Capture;

/// <summary>A packet of a capture file.</summary>
public readonly struct PcapngPacket
{
    /// <summary>Name of the interface.</summary>
    public string Interface { get; init; }

    /// <summary>Since 1970.</summary>
    public ulong UtcNanos { get; init; }

    public bool IsOut { get; init; }

    public string Comment { get; init; }

    /// <summary>Packets that were not captured before this one, for lack of room.</summary>
    public ulong LostBefore { get; init; }

    public int WholeBytes { get; init; }

    /// <summary>Valid until the next read.</summary>
    public ReadOnlyMemory<byte> Bytes { get; init; }
}
