namespace VibePN.Linux;

/// <summary>One frame of a <see cref="Coalescer"/>: its state beside its bytes.</summary>
internal struct CoalesceSlot
{
    /// <summary>The packet so far, headers included.</summary>
    public int Bytes;

    /// <summary>Packets in it.</summary>
    public int Packets;

    /// <summary>Payload bytes of every packet but the last.</summary>
    public int SegmentBytes;

    public int TransportOffset;

    /// <summary>IP and transport header.</summary>
    public int HeaderBytes;

    public byte Protocol;

    public bool IsV4;

    /// <summary>TCP: the sequence number that continues it.</summary>
    public uint NextSequence;

    /// <summary>IPv4: the identification that continues it.</summary>
    public ushort NextId;

    /// <summary>The only packet's checksum is partial; of several it always is.</summary>
    public bool IsPartial;

    /// <summary>Lengths and checksums have been written.</summary>
    public bool IsFinished;
}
