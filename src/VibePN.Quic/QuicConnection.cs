using System.Runtime.InteropServices;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary>
/// One QUIC connection: bytes and the time go in, bytes and a deadline come out. Made and owned by a <see cref="QuicEndpoint"/>;
/// same thread. Its parts: Create, Read (packets in, deadlines), Write (packets out), Streams, Close, Callbacks (what ngtcp2 calls).
/// </summary>
public sealed unsafe partial class QuicConnection
{
    /// <summary>What the size of a packet is reckoned with: see <see cref="ComputeMaxDatagram"/>.</summary>
    private const int PacketNumberBytes = 3;

    private readonly QuicEndpoint _endpoint;
    private readonly QuicHandler _handler;
    private readonly int _maxPacketBytes;

    private void* _conn;
    private void* _tls;
    private ConnectionBlock* _block;
    private GCHandle _self;

    /// <summary>The time of the running or last call; ngtcp2 asserts that it never goes back.</summary>
    private Instant _now;

    /// <summary>Inside ngtcp2 or a handler's callback: no read or write may start.</summary>
    private bool _busy;

    private QuicPath _path;
    private int _transmitCap = int.MaxValue;
    private ulong _packetsSent;
    private ulong _packetsReceived;
    private ulong _bytesSent;
    private ulong _bytesReceived;
    private QuicStats _lastStats;

    private QuicConnection(QuicEndpoint endpoint, bool isDialer, in QuicPath path, Instant now)
    {
        _endpoint = endpoint;
        _handler = endpoint.Handler;
        _maxPacketBytes = endpoint.Settings.MaxUdpPayloadBytes;
        _now = now;
        IsDialer = isDialer;
        _path = path;
    }

    /// <summary>Whatever the owner wants to find again in callbacks.</summary>
    public object? Tag { get; set; }

    public bool IsDialer { get; }

    /// <summary>The protocol agreed on; null before <see cref="QuicHandler.OnHandshakeCompleted"/>.</summary>
    public string? Alpn { get; private set; }

    /// <summary>TLS finished on this side. A dialer may still be refused.</summary>
    public bool IsHandshakeCompleted { get; private set; }

    /// <summary>Both sides have finished and accepted each other (RFC 9001 §4.1.2).</summary>
    public bool IsHandshakeConfirmed { get; internal set; }

    /// <summary>Closing, draining or gone: no more data can be sent.</summary>
    public bool IsClosed => _state != State.Active;

    /// <summary>The active path.</summary>
    public QuicPath Path
    {
        get => _path;
        private set
        {
            _path = value;
            NativePath.Fill(&_block->ActivePath, value);
        }
    }

    /// <summary>Where the packet goes that was written last.</summary>
    internal QuicPath WrittenPath => _block == null ? _path : NativePath.Read(&_block->WrittenPath.path);

    /// <summary>The largest DATAGRAM payload that one packet holds on the path as it is now; 0 before the handshake and if the peer takes none.</summary>
    public int MaxDatagramBytes { get; private set; }

    /// <summary>The packet that <see cref="MaxDatagramBytes"/> fill.</summary>
    private int LargestDatagramPacket => MaxDatagramBytes + FixedOverheadBytes + _peerIdBytes + PacketNumberBytes;

    /// <summary>Room that every packet buffer handed in must have.</summary>
    public int MaxPacketBytes => Math.Min(_maxPacketBytes, _transmitCap);

    /// <summary>When <see cref="QuicEndpoint.HandleDeadlines"/> must look at it, in nanoseconds; current after <see cref="EndBurst"/>.</summary>
    public ulong Deadline { get; private set; } = ulong.MaxValue;

    /// <summary>When a packet was last received on it, in nanoseconds; 0: never.</summary>
    public ulong LastReceivedNanos { get; private set; }

    /// <summary>When the peer last acknowledged a datagram or stream data, in nanoseconds; 0: never.</summary>
    public ulong LastAnsweredNanos { get; private set; }

    internal int HeapIndex { get; set; } = DeadlineHeap.NotInHeap;

    /// <summary>Has, or may have, something to write.</summary>
    internal bool IsDirty { get; set; }

    /// <summary>In the endpoint's queue; it may have been written since.</summary>
    internal bool IsQueued { get; set; }

    /// <summary>Place in the endpoint's list; −1: not in it.</summary>
    internal int ListIndex { get; set; } = -1;

    /// <summary>Accepted and its handshake neither complete nor failed.</summary>
    internal bool IsHalfOpen { get; set; }

    internal ulong DatagramsAcked { get; set; }

    internal ulong DatagramsLost { get; set; }

    internal bool WasReset { get; set; }

    internal bool PathMayHaveChanged { get; set; }

    /// <summary>Ids issued here that lead to this connection.</summary>
    internal List<ulong> OwnIds { get; } = [];

    /// <summary>Stateless reset tokens of the peer's ids in use.</summary>
    internal List<UInt128> PeerResetTokens { get; } = [];

    /// <summary>The id that the dialer made up, known until the handshake completes; acceptor only.</summary>
    internal ConnectionId? FirstId { get; set; }

    internal bool HasNativeState => _conn != null;

    /// <summary>Inside one of its own calls.</summary>
    internal bool IsBusy => _busy;

    internal bool HasTls => _tls != null;

    /// <summary>Lowers the packet size below what path-MTU discovery found; it never lowers by itself (facts: 1.11).</summary>
    /// <param name="maxUdpPayloadBytes">At least 1,200 (RFC 9000 §14).</param>
    public void SetTransmitCap(int maxUdpPayloadBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxUdpPayloadBytes, QuicLimits.MinPacketBytes);
        CheckIdle();
        _transmitCap = maxUdpPayloadBytes;
        RefreshMaxDatagram(notify: true);
    }

    /// <summary>Sends the peer a token for its next dial from this address; only an acceptor can. Allowed in callbacks.</summary>
    public void SendNewToken()
    {
        if (IsDialer || _state != State.Active)
        {
            return;
        }

        Span<byte> token = stackalloc byte[NgTcp2Crypto.MaxRegularTokenBytes];
        var bytes = _endpoint.WriteNewToken(Path, token, _now);
        fixed (byte* start = token)
        {
            if (bytes > 0 && NgTcp2.ngtcp2_conn_submit_new_token(_conn, start, (nuint)bytes) == 0)
            {
                _endpoint.MarkDirty(this);
            }
        }
    }

    /// <summary>Makes <see cref="QuicEndpoint.TakeDirty"/> give it out (again): for an owner with something left to send.</summary>
    public void Touch() => _endpoint.MarkDirty(this);

    public QuicStats GetStats()
    {
        if (_conn == null)
        {
            return _lastStats;
        }

        ngtcp2_conn_info info;
        NgTcp2.ngtcp2_conn_get_conn_info_versioned(_conn, NgTcp2.ConnInfoVersion, &info);
        return new QuicStats(
            Nanos(info.smoothed_rtt),
            Nanos(info.latest_rtt),
            // ngtcp2 keeps "none yet" as the largest number.
            info.min_rtt == ulong.MaxValue ? TimeSpan.Zero : Nanos(info.min_rtt),
            info.cwnd,
            info.bytes_in_flight,
            _bytesSent,
            _bytesReceived,
            _packetsSent,
            _packetsReceived,
            DatagramsAcked,
            DatagramsLost,
            PathMtu(),
            _mtu?.State ?? PathMtuState.Open,
            BlackHoles);
    }

    private static TimeSpan Nanos(ulong nanos) => TimeSpan.FromTicks((long)(nanos / 100));

    private int PathMtu() => Math.Min((int)NgTcp2.ngtcp2_conn_get_path_max_tx_udp_payload_size(_conn), SendLimit);

    /// <summary>Starts a call into ngtcp2.</summary>
    private void Enter(Instant now, bool allowOpenPacket = false)
    {
        CheckIdle(allowOpenPacket);
        _now = now.Nanos > _now.Nanos ? now : _now with { UtcSeconds = now.UtcSeconds };
        _busy = true;
    }

    private void CheckIdle(bool allowOpenPacket = false)
    {
        if (_busy)
        {
            throw new InvalidOperationException("a connection cannot be read or written from inside its own callbacks: record, return, and write afterwards");
        }

        if (_openPacket != null && !allowOpenPacket)
        {
            throw new InvalidOperationException("a packet is open (DatagramWrite.Open): only WriteDatagram and FinishPacket may follow");
        }
    }

    private void RefreshDeadline()
    {
        Deadline = _state != State.Active ? _lingerUntil
            : Math.Min(
                Math.Min(NgTcp2.ngtcp2_conn_get_expiry(_conn), _probeBlocked ? ulong.MaxValue : _mtu?.Deadline ?? ulong.MaxValue),
                _parityOut?.Deadline ?? ulong.MaxValue);
        _endpoint.Deadlines.Update(this);
    }

    private void RefreshMaxDatagram(bool notify)
    {
        var bytes = _state == State.Active && IsHandshakeCompleted ? ComputeMaxDatagram() : 0;
        if (bytes == MaxDatagramBytes)
        {
            return;
        }

        MaxDatagramBytes = bytes;
        if (notify && _state == State.Active)
        {
            Notify(static c => c._handler.OnMaxDatagramChanged(c));
        }
    }

    /// <summary>
    /// Packet size less: first byte, peer's connection id, packet number, frame type and length, AEAD tag. The packet number is
    /// taken as 3 bytes (2 would do until 32,768 packets are in flight), so that a datagram that fits once fits always.
    /// </summary>
    private int ComputeMaxDatagram()
    {
        var remote = NgTcp2.ngtcp2_conn_get_remote_transport_params(_conn);
        if (remote == null || remote->max_datagram_frame_size <= DatagramFrameBytes)
        {
            return 0;
        }

        var id = _peerIdBytes = (int)NgTcp2.ngtcp2_conn_get_dcid(_conn)->datalen;
        var fits = PathMtu() - FixedOverheadBytes - id - PacketNumberBytes;
        return (int)Math.Min((ulong)fits, remote->max_datagram_frame_size - DatagramFrameBytes);
    }

    /// <summary>Tells the handler something outside ngtcp2, under the same rules: no reads or writes, an exception closes this connection.</summary>
    private void Notify(Action<QuicConnection> tell)
    {
        var busy = _busy;
        _busy = true;
        try
        {
            tell(this);
        }
        catch (Exception e)
        {
            Fail(e);
        }
        finally
        {
            _busy = busy;
        }

        if (_failure != null && !busy)
        {
            CloseAfterError(NgTcp2Error.CallbackFailure);
        }
    }
}
