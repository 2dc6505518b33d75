namespace VibePN.Control;

/// <summary>Why a side ends a connection: the application error code of CONNECTION_CLOSE (docs/protocol.md, Reasons).</summary>
public enum CloseReason : ulong
{
    None = 0,

    /// <summary>The node is shutting down.</summary>
    Goodbye = 1,

    /// <summary>Another connection between the same two nodes stays.</summary>
    Duplicate = 2,

    /// <summary>The node restarted; this connection belonged to its former life.</summary>
    Restarted = 3,

    /// <summary>A message or a stream that the protocol does not allow.</summary>
    Malformed = 4,

    /// <summary>No Hello within its time.</summary>
    HelloTimeout = 5,

    /// <summary>A limit of the receiver was exceeded.</summary>
    LimitExceeded = 6,

    /// <summary>The peer is no longer in the configuration.</summary>
    Removed = 7,

    /// <summary>A keepalive was not answered in its time.</summary>
    Unresponsive = 8,

    /// <summary>Whoever came with an invite was let in by it in the handshake, and another one took it before this one was up.</summary>
    InviteRefused = 9,

    /// <summary>The key of one of the two that the connection was made with has a successor, and no longer holds.</summary>
    KeyOver = 10,
}

/// <summary>The peer broke the protocol; the connection ends with <see cref="Reason"/>.</summary>
internal sealed class ControlException(CloseReason reason, string message) : Exception(message)
{
    public CloseReason Reason { get; } = reason;
}
