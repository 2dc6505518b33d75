using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>What ngtcp2 and GnuTLS call, through <see cref="Thunks"/>; always inside a call that set <see cref="_busy"/>.</content>
public sealed unsafe partial class QuicConnection
{
    private const byte AlertCertificateRequired = 116;
    private const byte AlertNoApplicationProtocol = 120;

    /// <summary>The TLS alert with which this side refused the peer's certificates; 0: did not.</summary>
    private byte _refusal;

    /// <summary>The handler has accepted the peer's certificates.</summary>
    private bool _accepted;

    internal void TellAccepted() => Notify(static c => c._handler.OnAccepted(c));

    /// <summary>GnuTLS has checked the proof of possession and asks whether it may go on.</summary>
    internal bool JudgePeer(void* session)
    {
        uint count;
        var certificates = GnuTls.gnutls_certificate_get_peers(session, &count);
        if (TlsContext.SelectedProtocol(session) == null)
        {
            // GnuTLS lets a peer pass that sends no ALPN extension at all.
            _refusal = AlertNoApplicationProtocol;
            return false;
        }

        if (certificates == null || count == 0)
        {
            _refusal = AlertCertificateRequired;
            return false;
        }

        _refusal = (byte)_handler.OnPeerCertificates(this, new CertificateChain(certificates, (int)count), _now);
        if (_refusal != 0)
        {
            _endpoint.CountRefused();
        }

        _accepted = _refusal == 0;
        return _accepted;
    }

    internal int OnCryptoData(int level, ulong offset, byte* data, nuint length)
    {
        if (_tls == null)
        {
            // The handshake is confirmed and GnuTLS freed: what comes now (tickets) is nothing for us.
            return 0;
        }

        var result = NgTcp2Crypto.ngtcp2_crypto_recv_crypto_data_cb(_conn, level, offset, data, length, null);
        if (_failure != null)
        {
            return NgTcp2Error.CallbackFailure;
        }

        if (result == NgTcp2Error.Crypto && _refusal != 0)
        {
            // GnuTLS derives its own alert (bad_certificate) from the failed verification: ours says why.
            NgTcp2.ngtcp2_conn_set_tls_alert(_conn, _refusal);
        }

        return result;
    }

    internal int OnHandshakeCompleted()
    {
        if (!_accepted)
        {
            // TLS must not finish without the judgement, whatever a library's default may become.
            throw new QuicException("the handshake completed without a peer certificate");
        }

        Alpn = TlsContext.SelectedProtocol(_tls);
        DescribeProtection();
        IsHandshakeCompleted = true;

        // An acceptor has judged the dialer by now: complete and confirmed are the same (RFC 9001 §4.1.2).
        IsHandshakeConfirmed |= !IsDialer;
        _endpoint.OnHandshakeCompleted(this);
        RefreshMaxDatagram(notify: false);
        _handler.OnHandshakeCompleted(this);
        return 0;
    }

    internal void OnNewToken(ReadOnlySpan<byte> token)
    {
        if (_state == State.Active && token.Length <= QuicLimits.MaxTokenBytes)
        {
            _handler.OnNewToken(this, token);
        }
    }

    internal void OnDatagram(ReadOnlySpan<byte> datagram)
    {
        if (_state == State.Active)
        {
            _handler.OnDatagram(this, datagram, _now);
        }
    }

    internal int OnStreamData(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (_state == State.Active)
        {
            _handler.OnStreamData(this, streamId, data, fin);
        }

        // Consumed: the peer may send as much again.
        NgTcp2.ngtcp2_conn_extend_max_offset(_conn, (ulong)data.Length);
        return NgTcp2.ngtcp2_conn_extend_max_stream_offset(_conn, streamId, (ulong)data.Length) == 0 ? 0 : NgTcp2Error.CallbackFailure;
    }

    internal void OnStreamAcked(long streamId, ulong end)
    {
        LastAnsweredNanos = _now.Nanos;
        if (_streams.TryGetValue(streamId, out var stream))
        {
            stream.Buffer.MarkAcked(end);
        }
    }

    internal void OnStreamOpened(long streamId)
    {
        if (TakesOneWayStreams)
        {
            // Frames of their own, which share packets with others; a stream is over when both halves are.
            _ = NgTcp2.ngtcp2_conn_shutdown_stream_write(_conn, 0, streamId, 0);
            return;
        }

        _streams.TryAdd(streamId, new QuicStream(streamId));
    }

    internal void OnStreamClosed(long streamId)
    {
        if (_streams.Remove(streamId, out var stream))
        {
            _sending.Remove(stream);
            stream.Dispose();
        }

        var openedByPeer = (streamId & 1) == (IsDialer ? 1 : 0);
        if (openedByPeer)
        {
            NgTcp2.ngtcp2_conn_extend_max_streams_bidi(_conn, 1);
        }
    }

    internal void OnStreamReset(long streamId, ulong errorCode)
    {
        if (_state == State.Active)
        {
            _handler.OnStreamReset(this, streamId, errorCode);
        }
    }

    internal void OnStreamStopSending(long streamId, ulong errorCode)
    {
        if (_streams.TryGetValue(streamId, out var stream))
        {
            StopWriting(stream);
        }

        if (_state == State.Active)
        {
            _handler.OnStopSending(this, streamId, errorCode);
        }
    }

    internal int OnNewConnectionId(ngtcp2_cid* id, byte* resetToken, nuint length)
    {
        if (length != QuicLimits.ConnectionIdBytes)
        {
            return NgTcp2Error.CallbackFailure;
        }

        _endpoint.IssueId(this, id);
        _endpoint.ResetTokenOf(id, resetToken);
        return 0;
    }

    internal void OnConnectionIdRetired(ngtcp2_cid* id) => _endpoint.ForgetId(this, id);

    internal void OnPeerConnectionId(bool activated, byte* resetToken)
    {
        if (resetToken != null)
        {
            _endpoint.OnPeerResetToken(this, activated, new ReadOnlySpan<byte>(resetToken, NgTcp2.StatelessResetTokenBytes));
        }
    }
}
