namespace VibePN.Capture;

/// <summary>What is told about a captured packet, beside its bytes.</summary>
public struct CapturedPacket
{
    /// <summary>The network's name.</summary>
    public string Network { get; set; }

    /// <summary>Of the network's TUN.</summary>
    public string Interface { get; set; }

    /// <summary>Where it went to or came from; null: nowhere.</summary>
    public string? Peer { get; set; }

    /// <summary>From the host to a peer; otherwise from a peer to the host.</summary>
    public bool IsOut { get; set; }

    /// <summary>Why it went no further; null: it did.</summary>
    public DropReason? Reason { get; set; }

    /// <summary>How many packets the bytes stand for: more than one where a super-packet was dropped whole.</summary>
    public int Packets { get; set; }

    /// <summary>On the clock of the node: CLOCK_BOOTTIME.</summary>
    public ulong Nanos { get; set; }

    /// <summary>The packet's own length, of which less may have been kept.</summary>
    public int WholeBytes { get; set; }

    /// <summary>The transport checksum holds the pseudo-header's sum only, as the kernel hands packets over whose checksum a card would complete.</summary>
    public bool ChecksumPartial { get; set; }

    /// <summary>Packets that found no room in the ring since the one before.</summary>
    public ulong LostBefore { get; set; }
}
