using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>Packets in and deadlines.</content>
public sealed unsafe partial class QuicConnection
{
    /// <summary>One packet; to be followed by <see cref="EndReceive"/>, once for a run of them on one path.</summary>
    /// <param name="path">Copied by ngtcp2 where it keeps it.</param>
    /// <returns>ngtcp2's verdict; 0 unless it matters to the endpoint (a first packet that wants Retry or nothing).</returns>
    internal int Receive(ngtcp2_path* path, byte ecn, ReadOnlySpan<byte> packet, Instant now)
    {
        if (_state != State.Active)
        {
            OnPacketWhileOver();
            return 0;
        }

        Enter(now);
        _packetsReceived++;
        _bytesReceived += (ulong)packet.Length;
        ngtcp2_pkt_info info = default;
        info.ecn = (byte)(ecn & 3);
        int result;
        fixed (byte* data = packet)
        {
            result = NgTcp2.ngtcp2_conn_read_pkt_versioned(
                _conn, path, NgTcp2.PktInfoVersion, &info, data, (nuint)packet.Length, _now.Nanos);
        }

        _busy = false;
        LastReceivedNanos = _now.Nanos;
        return result;
    }

    internal void EndReceive(in QuicPath path)
    {
        if (_state == State.Active)
        {
            AfterRead(path != _path);
        }

        _endpoint.MarkDirty(this);
    }

    /// <summary>A deadline has passed: loss detection, ACK delay, pacing, idle; or a connection that is over can be forgotten.</summary>
    internal void HandleDeadline(Instant now)
    {
        if (_state != State.Active)
        {
            if (now.Nanos >= _lingerUntil)
            {
                Forget(now);
            }

            return;
        }

        Enter(now);
        int result;
        try
        {
            result = NgTcp2.ngtcp2_conn_handle_expiry(_conn, _now.Nanos);
        }
        finally
        {
            _busy = false;
        }

        if (result != 0)
        {
            CloseAfterError(result);
            return;
        }

        AfterRead(pathSuspect: false);
        _endpoint.MarkDirty(this);
        if (_state == State.Active)
        {
            RefreshDeadline();
        }
    }

    private void AfterRead(bool pathSuspect)
    {
        if (IsHandshakeConfirmed && _tls != null)
        {
            // Saves 19 KiB a connection; CRYPTO frames are ignored from here on.
            FreeTls();
        }

        if (pathSuspect || PathMayHaveChanged)
        {
            RefreshPath();
        }

        RefreshMtu();
        RefreshMaxDatagram(notify: true);
    }

    /// <summary>
    /// Goes on from another local address at once: for when the host has moved (RFC 9000 §9). The path is validated meanwhile, and starts
    /// with the least packet size. Only a dialer can (ngtcp2 asserts it), and only with an unused connection id of the peer.
    /// </summary>
    /// <param name="local">With the port of the socket, in the form of <see cref="Path"/>.</param>
    /// <returns>False: not possible now, and nothing has changed.</returns>
    public bool TryMigrate(in QuicAddress local, Instant now)
    {
        var path = new QuicPath(local, Path.Remote);
        if (!IsDialer || _state != State.Active || !IsHandshakeConfirmed || !NativePath.IsUsable(path) || local.Length != path.Remote.Length)
        {
            return false;
        }

        Enter(now);
        ngtcp2_path_storage native;
        NativePath.Fill(&native, path);
        var result = NgTcp2.ngtcp2_conn_initiate_immediate_migration(_conn, &native.path, _now.Nanos);
        _busy = false;
        if (result != 0)
        {
            return false;
        }

        AfterRead(pathSuspect: true);
        _endpoint.MarkDirty(this);
        RefreshDeadline();
        return true;
    }

    private void RefreshPath()
    {
        PathMayHaveChanged = false;
        var path = NativePath.Read(NgTcp2.ngtcp2_conn_get_path(_conn));
        if (path == Path)
        {
            return;
        }

        Path = path;
        Notify(static c => c._handler.OnPathChanged(c));
    }
}
