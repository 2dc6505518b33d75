namespace VibePN.Quic;

/// <summary>
/// What happens on connections, told to the one owner of an endpoint. Every call comes from inside
/// <see cref="QuicEndpoint.Receive(in QuicPath, byte, ReadOnlySpan{byte}, int, Instant)"/>, <see cref="QuicConnection.WritePending"/> or <see cref="QuicEndpoint.HandleDeadlines"/>, on the same thread.
/// Implementations record and return: calling a connection's read or write from here is forbidden by ngtcp2 and throws
/// (<see cref="QuicConnection.TryWriteStream"/> and <see cref="QuicConnection.Close"/> only mark; they are allowed).
/// Spans are borrowed until the callback returns.
/// </summary>
public abstract class QuicHandler
{
    /// <summary>A stranger's first packet became a connection; give it a <see cref="QuicConnection.Tag"/> if wanted.</summary>
    public virtual void OnAccepted(QuicConnection connection) { }

    /// <summary>
    /// The peer's certificate chain, judged inside the TLS handshake (RFC 8446 §4.4.2). Proof of possession of the first
    /// certificate's key is TLS's own work; everything else (pin, validity, statements) is decided here.
    /// </summary>
    /// <returns>0 to accept, else the TLS alert to send (RFC 8446 §6.2; <see cref="TlsAlert"/>).</returns>
    public abstract TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now);

    /// <summary>TLS finished on this side; <see cref="QuicConnection.Alpn"/> is known. A dialer may still be refused after it.</summary>
    public abstract void OnHandshakeCompleted(QuicConnection connection);

    /// <summary>A DATAGRAM frame's payload (RFC 9221 §4).</summary>
    public abstract void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now);

    /// <summary>A DATAGRAM frame was acknowledged, perhaps after it had been found lost. Only with <see cref="QuicConnection.TellsDatagrams"/>.</summary>
    /// <param name="number">The low bits of <see cref="QuicConnection.LastDatagram"/> after it was written.</param>
    public virtual void OnDatagramAcked(QuicConnection connection, uint number) { }

    /// <summary>A DATAGRAM frame was found lost; perhaps it is only late. Only with <see cref="QuicConnection.TellsDatagrams"/>.</summary>
    /// <param name="number">As of <see cref="OnDatagramAcked"/>.</param>
    public virtual void OnDatagramLost(QuicConnection connection, uint number) { }

    /// <summary>In-order bytes of a stream. <paramref name="fin"/>: the peer will send no more on it.</summary>
    public abstract void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin);

    /// <summary>The peer reset its half of the stream.</summary>
    public virtual void OnStreamReset(QuicConnection connection, long streamId, ulong errorCode) { }

    /// <summary>The peer wants no more of what is sent on the stream: it is over for writing.</summary>
    public virtual void OnStopSending(QuicConnection connection, long streamId, ulong errorCode) => OnStreamReset(connection, streamId, errorCode);

    /// <summary><see cref="QuicConnection.MaxDatagramBytes"/> changed (path-MTU discovery, migration).</summary>
    public virtual void OnMaxDatagramChanged(QuicConnection connection) { }

    /// <summary>The active path changed (the peer moved, or migration was validated).</summary>
    public virtual void OnPathChanged(QuicConnection connection) { }

    /// <summary>A token for later dials to this peer (<see cref="QuicEndpoint.Connect"/>): it then answers even while it is flooded (RFC 9000 §8.1.3).</summary>
    public virtual void OnNewToken(QuicConnection connection, ReadOnlySpan<byte> token) { }

    /// <summary>Once per connection, when it is over for its user; the object is disposed by the endpoint later.</summary>
    public abstract void OnClosed(QuicConnection connection, QuicClose close);
}
