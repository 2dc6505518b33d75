namespace VibePN.Quic;

/// <summary>What <see cref="QuicConnection.WriteDatagram"/> did.</summary>
public enum DatagramWrite
{
    /// <summary>The datagram is in the packet that was written.</summary>
    Written,

    /// <summary>Accepted; the packet stays open for more: only WriteDatagram and FinishPacket with the same buffer are legal now.</summary>
    Open,

    /// <summary>A packet of other frames (probe, path response, ACK) was written without the datagram: send it, then call again.</summary>
    PacketOnly,

    /// <summary>Congestion window, pacing or the handshake stand in the way: try again when the connection is dirty or due.</summary>
    Blocked,

    /// <summary>Larger than <see cref="QuicConnection.MaxDatagramBytes"/>: never fits as things are.</summary>
    TooLarge,

    /// <summary>The connection is over.</summary>
    Closed,
}
