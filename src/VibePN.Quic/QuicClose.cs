namespace VibePN.Quic;

/// <summary>How a connection ended.</summary>
public enum QuicCloseKind
{
    /// <summary>This side called <see cref="QuicConnection.Close"/>.</summary>
    Local,

    /// <summary>The peer's CONNECTION_CLOSE with an application code (RFC 9000 §19.19, type 0x1d).</summary>
    PeerApplication,

    /// <summary>The peer's CONNECTION_CLOSE with a transport code; 0x100 + alert for TLS (RFC 9001 §4.8).</summary>
    PeerTransport,

    /// <summary>This side found an error and closed: a transport code, 0x100 + alert where a certificate was refused here.</summary>
    LocalTransport,

    /// <summary>Nothing was heard for the idle timeout (RFC 9000 §10.1).</summary>
    IdleTimeout,

    /// <summary>The handshake did not complete in its time.</summary>
    HandshakeTimeout,

    /// <summary>The peer has no state for the connection (RFC 9000 §10.3).</summary>
    StatelessReset,

    /// <summary>No common QUIC version.</summary>
    VersionNegotiation,

    /// <summary>ngtcp2 asked to drop the connection silently.</summary>
    Dropped,
}

/// <summary>The end of a connection: kind, the error code on the wire where there is one, and the peer's reason phrase (bounded, may be empty).</summary>
public readonly record struct QuicClose(QuicCloseKind Kind, ulong ErrorCode, string Reason)
{
    /// <summary>The TLS alert inside the transport code (0x100…0x1ff, RFC 9001 §4.8), or null.</summary>
    public byte? Alert => Kind is QuicCloseKind.PeerTransport or QuicCloseKind.LocalTransport && ErrorCode is >= 0x100 and <= 0x1ff
        ? (byte)ErrorCode
        : null;
}
