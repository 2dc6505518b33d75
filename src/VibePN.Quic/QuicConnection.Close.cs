using System.Runtime.InteropServices;
using System.Text;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>
/// The end. Active → (this side ends it) ClosePending → closing packet written → Lingering → Gone, or
/// (the peer did) Lingering → Gone, or (idle, dropped) Gone. Native state is freed on leaving ClosePending: what lingers is the ids
/// and one stored packet (RFC 9000 §10.2).
/// </content>
public sealed unsafe partial class QuicConnection
{
    private State _state;
    private ulong _lingerUntil = ulong.MaxValue;
    private QuicClose _close;
    private bool _told;
    private bool _isCloseLate;
    private byte[] _closeReason = [];
    private byte[] _closePacket = [];
    private int _packetsWhileOver;
    private bool _answerWhileOver;
    private Exception? _failure;

    private enum State
    {
        Active,
        ClosePending,
        Lingering,
        Gone,
    }

    /// <summary>
    /// Ends the connection with an application code and reason (RFC 9000 §19.19). Allowed everywhere, callbacks included: it only marks;
    /// the closing packet leaves at the next <see cref="WritePending"/>, which also tells <see cref="QuicHandler.OnClosed"/>.
    /// Before the handshake is complete the peer sees transport code 0xc (APPLICATION_ERROR) instead. A second call does nothing.
    /// </summary>
    /// <param name="reason">Cut to 256 bytes of UTF-8.</param>
    public void Close(ulong applicationErrorCode, string reason)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(applicationErrorCode, QuicLimits.MaxVarint);
        if (_state != State.Active)
        {
            return;
        }

        _closeReason = CutUtf8(reason);
        StartClosing(new QuicClose(QuicCloseKind.Local, applicationErrorCode, reason));
    }

    /// <summary>Stores what a callback threw; the connection is closed when the native frames are left.</summary>
    internal int Fail(Exception failure)
    {
        _failure ??= failure;
        return NgTcp2Error.CallbackFailure;
    }

    /// <summary>ngtcp2 answered a read, write or deadline with an error: each ends the connection in its own way.</summary>
    internal void CloseAfterError(int error)
    {
        if (_state is State.Lingering or State.Gone)
        {
            return;
        }

        switch (error)
        {
            case NgTcp2Error.Draining or NgTcp2Error.Closing:
                Linger(WasReset ? new QuicClose(QuicCloseKind.StatelessReset, 0, "") : PeerClose(), packet: []);
                return;
            case NgTcp2Error.IdleClose:
                Vanish(new QuicClose(QuicCloseKind.IdleTimeout, 0, ""));
                return;
            case NgTcp2Error.HandshakeTimeout:
                Vanish(new QuicClose(QuicCloseKind.HandshakeTimeout, 0, ""));
                return;
            case NgTcp2Error.RecvVersionNegotiation:
                Vanish(new QuicClose(QuicCloseKind.VersionNegotiation, 0, ""));
                return;
            case NgTcp2Error.DropConn or NgTcp2Error.Retry:
                Vanish(new QuicClose(QuicCloseKind.Dropped, 0, ""));
                return;
        }

        if (_state == State.ClosePending)
        {
            // Closing already; whatever went wrong since, the first reason counts.
            return;
        }

        if (error == NgTcp2Error.Crypto)
        {
            var alert = NgTcp2.ngtcp2_conn_get_tls_alert(_conn);
            StartClosing(new QuicClose(QuicCloseKind.LocalTransport, 0x100u + alert, _refusal != 0 ? "certificate refused here" : $"TLS alert {alert}"));
        }
        else
        {
            var reason = error == NgTcp2Error.CallbackFailure && _failure != null ? _failure.Message : Describe(error);
            StartClosing(new QuicClose(QuicCloseKind.LocalTransport, NgTcp2.ngtcp2_err_infer_quic_transport_error_code(error), reason));
        }

        Tell();
    }

    /// <summary>The closing packet, first or again.</summary>
    private QuicPacket WriteOver(Span<byte> packet, Instant now)
    {
        if (_state == State.ClosePending)
        {
            return WriteClose(packet, now);
        }

        if (!_answerWhileOver || _state == State.Gone)
        {
            return default;
        }

        _answerWhileOver = false;
        _closePacket.CopyTo(packet);
        return new QuicPacket(this, _closePacket.Length, 0, isOnActivePath: true);
    }

    private QuicPacket WriteClose(Span<byte> packet, Instant now)
    {
        Enter(now);
        nint length;
        ngtcp2_pkt_info info = default;
        fixed (byte* destination = packet, reason = _closeReason)
        {
            var error = new ngtcp2_ccerr
            {
                type = _close.Kind == QuicCloseKind.Local ? NgTcp2.CcErrApplication : NgTcp2.CcErrTransport,
                error_code = _close.ErrorCode,
                reason = reason,
                reasonlen = (nuint)_closeReason.Length,
            };
            length = NgTcp2.ngtcp2_conn_write_connection_close_versioned(
                _conn, &_block->WrittenPath.path, NgTcp2.PktInfoVersion, &info, destination, (nuint)Math.Min(packet.Length, MaxPacketBytes), &error, _now.Nanos);
        }

        _busy = false;
        if (length <= 0)
        {
            // Nothing was ever exchanged, or anti-amplification forbids it: the peer will time out.
            Vanish(_close);
            return default;
        }

        var written = Sent(length, info);
        Linger(_close, packet[..written.Bytes].ToArray());
        return written;
    }

    /// <summary>
    /// A packet for a connection that is over: answered with the stored closing packet, for the 1st, 2nd, 4th, 8th … such packet
    /// (RFC 9000 §10.2.1 asks for a limit); a peer that closed gets no answer (§10.2.2).
    /// </summary>
    private void OnPacketWhileOver()
    {
        if (_state != State.Lingering || _closePacket.Length == 0 || _packetsWhileOver == int.MaxValue)
        {
            return;
        }

        _packetsWhileOver++;
        if ((_packetsWhileOver & (_packetsWhileOver - 1)) == 0)
        {
            _answerWhileOver = true;
            _endpoint.MarkDirty(this);
        }
    }

    private void StartClosing(QuicClose close)
    {
        _close = close;
        _state = State.ClosePending;
        SetLingerDeadline();
        MaxDatagramBytes = 0;
        _endpoint.MarkDirty(this);
        _endpoint.OnHandshakeEnded(this);
    }

    private void Linger(QuicClose close, byte[] packet)
    {
        _close = close;
        _closePacket = packet;
        SetLingerDeadline();
        _state = State.Lingering;
        MaxDatagramBytes = 0;
        FreeNative();
        _endpoint.OnHandshakeEnded(this);
        if (!_endpoint.TryLinger())
        {
            Leave();
        }

        Tell();
    }

    private void Vanish(QuicClose close)
    {
        _close = close;
        MaxDatagramBytes = 0;
        Leave();
        Tell();
    }

    /// <summary>The time is up.</summary>
    private void Forget(Instant now)
    {
        if (_state == State.ClosePending && !_isCloseLate)
        {
            // The closing packet has yet to leave: the time was reckoned from the last packet, which may be long ago.
            _isCloseLate = true;
            _now = now.Nanos > _now.Nanos ? now : _now;
            SetLingerDeadline();
            return;
        }

        if (_state == State.Lingering)
        {
            _endpoint.EndLinger();
        }

        Leave();
        Tell();
    }

    /// <summary>Out of the endpoint, everything freed; tells nobody.</summary>
    internal void Leave()
    {
        _state = State.Gone;
        FreeNative();
        _lingerUntil = ulong.MaxValue;
        Deadline = ulong.MaxValue;
        _endpoint.OnHandshakeEnded(this);
        _endpoint.Remove(this);
    }

    private void SetLingerDeadline()
    {
        _lingerUntil = _now.Nanos + Math.Min(QuicLimits.LingerProbeTimeouts * NgTcp2.ngtcp2_conn_get_pto(_conn), QuicLimits.MaxLingerNanos);
        Deadline = _lingerUntil;
        _endpoint.Deadlines.Update(this);
    }

    private void Tell()
    {
        if (_told)
        {
            return;
        }

        _told = true;
        var busy = _busy;
        _busy = true;
        try
        {
            _endpoint.TellClosed(this, _close);
        }
        finally
        {
            _busy = busy;
        }
    }

    private QuicClose PeerClose()
    {
        var error = NgTcp2.ngtcp2_conn_get_ccerr(_conn);
        var kind = error->type == NgTcp2.CcErrApplication ? QuicCloseKind.PeerApplication : QuicCloseKind.PeerTransport;
        var length = (int)Math.Min(error->reasonlen, QuicLimits.MaxReasonBytes);
        return new QuicClose(kind, error->error_code, Printable(new ReadOnlySpan<byte>(error->reason, length)));
    }

    /// <summary>A stranger's words may reach a log: no control characters.</summary>
    private static string Printable(ReadOnlySpan<byte> reason)
    {
        var text = Encoding.UTF8.GetString(reason);
        return string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) ? '?' : source[i];
            }
        });
    }

    private static byte[] CutUtf8(string reason)
    {
        var bytes = new byte[QuicLimits.MaxReasonBytes];
        System.Text.Unicode.Utf8.FromUtf16(reason, bytes, out _, out var length, replaceInvalidSequences: true);
        return bytes[..length];
    }

    private static string Describe(int error) => Marshal.PtrToStringUTF8((nint)NgTcp2.ngtcp2_strerror(error)) ?? $"error {error}";
}
