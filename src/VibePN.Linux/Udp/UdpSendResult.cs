namespace VibePN.Linux;

public enum UdpSendResult
{
    /// <summary>Everything has left (or was counted as lost) and the batch is empty.</summary>
    Done,

    /// <summary>The socket buffer is full: the batch keeps the rest; send it again when the socket is writable.</summary>
    WouldBlock,
}
