using System.Runtime.CompilerServices;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>Packets out.</content>
public sealed unsafe partial class QuicConnection
{
    private const int MaxVectors = 16;

    /// <summary>Type and length.</summary>
    private const int DatagramFrameBytes = 3;

    /// <summary>The buffer of a packet that ngtcp2 holds open: it keeps a pointer into it.</summary>
    private byte* _openPacket;
    private int _openPacketBytes;
    private ulong _datagramId;

    /// <summary>Writes one DATAGRAM frame (RFC 9221 §4) whose payload is <paramref name="header"/> followed by <paramref name="payload"/>.</summary>
    /// <param name="packet">At least <see cref="MaxPacketBytes"/> long. With <paramref name="more"/> it must be memory that does not move
    /// (pinned or native) and the same in every call until the packet is finished.</param>
    /// <param name="more">Leave the packet open for further datagrams if there is room.</param>
    /// <param name="written">The packet to send, with <see cref="DatagramWrite.Written"/> and <see cref="DatagramWrite.PacketOnly"/>.</param>
    /// <exception cref="InvalidOperationException">Called from inside a callback, or another buffer while a packet is open.</exception>
    [SkipLocalsInit]
    public DatagramWrite WriteDatagram(
        ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, Span<byte> packet, bool more, out QuicPacket written, Instant now)
    {
        written = default;
        CheckIdle(allowOpenPacket: true);
        CheckPacket(packet);
        if (_state != State.Active)
        {
            return DatagramWrite.Closed;
        }

        // ngtcp2 answers 0 both for "no window now" and for "never fits": so the size is judged here.
        if (header.Length + payload.Length > MaxDatagramBytes)
        {
            return IsHandshakeCompleted ? DatagramWrite.TooLarge : DatagramWrite.Blocked;
        }

        if (!IsHandshakeCompleted)
        {
            return DatagramWrite.Blocked;
        }

        nint length;
        int accepted = 0;
        ngtcp2_pkt_info info = default;
        var vectors = stackalloc ngtcp2_vec[2];
        nuint count = 0;
        fixed (byte* head = header, body = payload, destination = packet)
        {
            CheckOpen(destination, packet.Length);
            if (!header.IsEmpty)
            {
                vectors[count++] = new ngtcp2_vec { @base = head, len = (nuint)header.Length };
            }

            if (!payload.IsEmpty)
            {
                vectors[count++] = new ngtcp2_vec { @base = body, len = (nuint)payload.Length };
            }

            Enter(now, allowOpenPacket: true);
            length = NgTcp2.ngtcp2_conn_writev_datagram_versioned(
                _conn, &_block->WrittenPath.path, NgTcp2.PktInfoVersion, &info, destination, (nuint)Math.Min(packet.Length, SendLimit),
                &accepted, more ? NgTcp2.WriteDatagramMore : 0, NewDatagramId(header.Length + payload.Length), vectors, count, _now.Nanos);
            _busy = false;
            _openPacket = length == NgTcp2Error.WriteMore ? destination : null;
        }

        if (length == NgTcp2Error.WriteMore)
        {
            _openPacketBytes = packet.Length;
            _openBytes += header.Length + payload.Length + DatagramFrameBytes;
            _datagramId++;
            return DatagramWrite.Open;
        }

        _openBytes = 0;
        if (length <= 0)
        {
            return length == 0 ? DatagramWrite.Blocked : FailWrite((int)length);
        }

        written = Sent(Cover(packet, length, info), info);
        if (accepted == 0)
        {
            return DatagramWrite.PacketOnly;
        }

        _datagramId++;
        return DatagramWrite.Written;
    }

    /// <summary>Completes the packet that <see cref="DatagramWrite.Open"/> left open, in the same buffer.</summary>
    /// <exception cref="InvalidOperationException">No packet is open, or another buffer.</exception>
    public QuicPacket FinishPacket(Span<byte> packet, Instant now)
    {
        if (_openPacket == null)
        {
            throw new InvalidOperationException("no packet is open");
        }

        nint length;
        ngtcp2_pkt_info info = default;
        fixed (byte* destination = packet)
        {
            CheckOpen(destination, packet.Length);
            Enter(now, allowOpenPacket: true);
            length = NgTcp2.ngtcp2_conn_writev_stream_versioned(
                _conn, &_block->WrittenPath.path, NgTcp2.PktInfoVersion, &info, destination, (nuint)Math.Min(packet.Length, SendLimit),
                null, 0, -1, null, 0, _now.Nanos);
        }

        _busy = false;
        _openPacket = null;
        _openBytes = 0;
        if (length > 0)
        {
            return Sent(Cover(packet, length, info), info);
        }

        if (length < 0)
        {
            FailWrite((int)length);
        }

        return default;
    }

    /// <summary>One packet of everything else that waits: handshake, ACKs, streams, probes, the closing packet. 0 bytes: nothing more now.</summary>
    /// <param name="packet">At least <see cref="MaxPacketBytes"/> long.</param>
    public QuicPacket WritePending(Span<byte> packet, Instant now)
    {
        CheckIdle();
        CheckPacket(packet);
        while (_state == State.Active)
        {
            Enter(now);
            ngtcp2_pkt_info info = default;
            var stream = NextToSend();
            var length = WriteProbe(packet, &info);
            if (length == 0)
            {
                length = WriteFrames(stream, packet, &info);
            }

            _busy = false;

            if (length > 0)
            {
                // There may be more: dirty until a call finds nothing.
                _endpoint.MarkDirty(this);
                return Sent(Cover(packet, length, info), info);
            }

            if (length == 0)
            {
                IsDirty = false;
                UnblockStreams();
                RefreshDeadline();
                return default;
            }

            if (stream == null || !SkipStream(stream, (int)length))
            {
                FailWrite((int)length);
            }
        }

        return WriteOver(packet, now);
    }

    /// <summary>After a burst of writes: sets when pacing lets the next packet go (without it pacing drifts) and the new deadline.</summary>
    public void EndBurst(Instant now)
    {
        if (_state != State.Active)
        {
            return;
        }

        Enter(now);
        NgTcp2.ngtcp2_conn_update_pkt_tx_time(_conn, _now.Nanos);
        _busy = false;
        RefreshDeadline();
    }

    /// <summary>Starts a 1-RTT key update (RFC 9001 §6); ngtcp2 does it by itself long before a key wears out.</summary>
    internal bool TryUpdateKey(Instant now)
    {
        Enter(now);
        var result = NgTcp2.ngtcp2_conn_initiate_key_update(_conn, _now.Nanos);
        _busy = false;
        return result == 0;
    }

    [SkipLocalsInit]
    private nint WriteFrames(QuicStream? stream, Span<byte> packet, ngtcp2_pkt_info* info)
    {
        var vectors = stackalloc ngtcp2_vec[MaxVectors];
        var count = 0;
        uint flags = 0;
        if (stream != null)
        {
            count = stream.Buffer.Pending(vectors, MaxVectors, out var all);
            flags = all && stream.FinWanted ? NgTcp2.WriteStreamFin : 0;
        }

        nint taken = -1;
        nint length;
        fixed (byte* destination = packet)
        {
            length = NgTcp2.ngtcp2_conn_writev_stream_versioned(
                _conn, &_block->WrittenPath.path, NgTcp2.PktInfoVersion, info, destination, (nuint)Math.Min(packet.Length, SendLimit),
                &taken, flags, stream?.Id ?? -1, vectors, (nuint)count, _now.Nanos);
        }

        if (stream != null && taken >= 0 && length > 0)
        {
            MarkStreamSent(stream, (ulong)taken, fin: flags != 0);
        }

        return length;
    }

    private QuicPacket Sent(nint length, ngtcp2_pkt_info info)
    {
        _packetsSent++;
        _bytesSent += (ulong)length;
        return new QuicPacket(this, (int)length, info.ecn, NativePath.AreEqual(&_block->WrittenPath, &_block->ActivePath));
    }

    private DatagramWrite FailWrite(int error)
    {
        CloseAfterError(error);
        return DatagramWrite.Closed;
    }

    private void CheckPacket(Span<byte> packet)
    {
        if (packet.Length < MaxPacketBytes)
        {
            throw new ArgumentException($"a packet buffer needs {MaxPacketBytes} bytes, this one has {packet.Length}", nameof(packet));
        }
    }

    private void CheckOpen(byte* destination, int length)
    {
        if (_openPacket != null && (_openPacket != destination || _openPacketBytes != length))
        {
            throw new InvalidOperationException("a packet is open in another buffer (or the buffer has moved: it must be pinned)");
        }
    }
}
