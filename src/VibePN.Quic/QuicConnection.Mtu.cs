using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>The size of packets on the path: ngtcp2 finds it, <see cref="PathMtu"/> notices when it no longer holds, and when it does again.</content>
public sealed unsafe partial class QuicConnection
{
    /// <summary>First byte, frame type, frame length, AEAD tag: what a datagram's packet has besides id and number.</summary>
    private const int FixedOverheadBytes = 1 + 1 + 2 + 16;

    private PathMtu? _mtu;

    /// <summary>Length of the peer's connection id.</summary>
    private int _peerIdBytes;

    /// <summary>Window or pacer were closed for a probe: it waits for the next packet or deadline.</summary>
    private bool _probeBlocked;

    /// <summary>Datagram bytes in the packet that is open.</summary>
    private int _openBytes;

    /// <summary>What ngtcp2 may fill of a buffer. Uncapped it needs room for its own probes.</summary>
    private int SendLimit => _mtu is { IsCapped: true } mtu ? Math.Min(mtu.Bytes, MaxPacketBytes) : MaxPacketBytes;

    /// <summary>Times the path was found to lose what it had carried.</summary>
    public int BlackHoles => _mtu?.BlackHoles ?? 0;

    internal void OnDatagramAcked(ulong id)
    {
        DatagramsAcked++;
        LastAnsweredNanos = _now.Nanos;
        var datagram = new DatagramId(id);
        OnDatagramSettled(datagram, isLost: false);
        _mtu?.OnAcked(datagram.PacketBytes, datagram.SentNanos(_now.Nanos), _now.Nanos);
    }

    internal void OnDatagramLost(ulong id)
    {
        DatagramsLost++;
        var datagram = new DatagramId(id);
        OnDatagramSettled(datagram, isLost: true);
        _mtu?.OnLost(datagram.PacketBytes, datagram.SentNanos(_now.Nanos), _now.Nanos);
    }

    private ulong NewDatagramId(int payloadBytes) => new DatagramId(
        _openBytes + payloadBytes + FixedOverheadBytes + _peerIdBytes + 2, _now.Nanos, (uint)_datagramId).Value;

    /// <summary>After every read and deadline: takes over what ngtcp2 has discovered.</summary>
    private void RefreshMtu()
    {
        _probeBlocked = false;
        if (_state != State.Active || !IsHandshakeCompleted)
        {
            return;
        }

        var found = Math.Min((int)NgTcp2.ngtcp2_conn_get_path_max_tx_udp_payload_size(_conn), MaxPacketBytes);
        _mtu ??= new PathMtu(QuicLimits.MinPacketBytes, _endpoint.Probes);
        if (found < _mtu.TopBytes)
        {
            // Another path, or a lower cap.
            _mtu.Reset(found);
        }

        _mtu.OnDiscovered(found);
    }

    /// <summary>
    /// The probe that is due, if any: a datagram of zeros (network tag 0) that fills a packet to just the size asked for. How long the
    /// packet number is, ngtcp2 does not tell: it is tried out.
    /// </summary>
    /// <returns>The packet's length, of the probe or of other frames; 0: none; less: ngtcp2's error.</returns>
    private nint WriteProbe(Span<byte> packet, ngtcp2_pkt_info* info)
    {
        if (MaxDatagramBytes == 0)
        {
            // A probe is a datagram, and the peer takes none.
            _probeBlocked = true;
        }

        if (_mtu == null || _probeBlocked || _mtu.NextProbe(_now.Nanos) is not (> 0 and var size))
        {
            return 0;
        }

        size = Math.Min(size, packet.Length);
        var zeros = stackalloc byte[size];
        var id = new DatagramId(size, _now.Nanos, (uint)_datagramId).Value;
        fixed (byte* destination = packet)
        {
            for (var numberBytes = 1; numberBytes <= 4; numberBytes++)
            {
                var vector = new ngtcp2_vec { @base = zeros, len = (nuint)(size - FixedOverheadBytes - _peerIdBytes - numberBytes) };
                int accepted = 0;
                var length = NgTcp2.ngtcp2_conn_writev_datagram_versioned(
                    _conn, &_block->WrittenPath.path, NgTcp2.PktInfoVersion, info, destination, (nuint)size, &accepted, 0, id, &vector, 1, _now.Nanos);
                if (length == 0)
                {
                    continue;
                }

                if (accepted != 0)
                {
                    _datagramId++;
                    _mtu.OnProbeSent(_now.Nanos, NgTcp2.ngtcp2_conn_get_pto(_conn));
                }

                return length;
            }
        }

        _probeBlocked = true;
        return 0;
    }
}
