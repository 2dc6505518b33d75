using System.Buffers.Binary;
using VibePN.Quic.Native;
using VibePN.Quic.Parity;

namespace VibePN.Quic;

/// <content>Packets in: to their connection, to a new one, or answered without one.</content>
public sealed unsafe partial class QuicEndpoint
{
    private const byte LongHeaderBit = 0x80;

    private readonly StatelessQueue _stateless = new();

    /// <summary>The path of the run being received: on the stack of <see cref="Receive(in QuicPath, byte, ReadOnlySpan{byte}, int, Instant)"/>.</summary>
    private ngtcp2_path* _receivePath;

    /// <summary>Whose packets were last in the run being received.</summary>
    private QuicConnection? _delivered;

    /// <summary>A covered packet that nothing remembers, as it was before.</summary>
    private byte[]? _uncovered;
    private int _parityWindows;
    private RateWindow _resetRate;
    private RateWindow _versionRate;

    /// <summary>One received UDP payload. Anything may be in it; nothing is kept of the span.</summary>
    /// <inheritdoc cref="Receive(in QuicPath, byte, ReadOnlySpan{byte}, int, Instant)"/>
    public void Receive(in QuicPath path, byte ecn, ReadOnlySpan<byte> datagram, Instant now) =>
        Receive(path, ecn, datagram, datagram.Length, now);

    /// <summary>UDP payloads that the kernel has put one behind another (UDP_GRO).</summary>
    /// <param name="path">Where they were received and where they came from.</param>
    /// <param name="ecn">The two ECN bits of their IP headers.</param>
    /// <param name="segmentBytes">The length of each; the last may be shorter.</param>
    /// <exception cref="InvalidOperationException">Called from inside a callback, or the connection has an open packet.</exception>
    public void Receive(in QuicPath path, byte ecn, ReadOnlySpan<byte> run, int segmentBytes, Instant now)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_receiving)
        {
            throw new InvalidOperationException("an endpoint cannot receive from inside its own callbacks: record, return, and go on afterwards");
        }

        _receiving = true;
        try
        {
            if (run.IsEmpty || segmentBytes <= 0 || !NativePath.IsUsable(path))
            {
                _stats = _stats with { DroppedMalformed = _stats.DroppedMalformed + 1 };
                return;
            }

            ngtcp2_path_storage native;
            NativePath.Fill(&native, path);
            _receivePath = &native.path;
            while (!run.IsEmpty)
            {
                var datagram = run[..Math.Min(segmentBytes, run.Length)];
                run = run[datagram.Length..];
                if ((datagram[0] & LongHeaderBit) == 0)
                {
                    ReceiveShort(path, ecn, datagram, now);
                }
                else
                {
                    ReceiveLong(path, ecn, datagram, now);
                }
            }

            EndDelivery(path);
        }
        finally
        {
            _delivered = null;
            _receivePath = null;
            _receiving = false;
        }
    }

    /// <summary>Takes one answer that belongs to no connection (Retry, version negotiation, stateless reset).</summary>
    /// <param name="packet">At least 1,200 bytes.</param>
    /// <returns>Its length, 0 when none waits.</returns>
    public int TakeStateless(Span<byte> packet, out QuicPath path) => _stateless.Take(packet, out path);

    /// <summary>Whether one more connection may remember what is covered by parity.</summary>
    internal bool TryTakeParityWindow()
    {
        if (_parityWindows >= QuicLimits.ParityWindows)
        {
            return false;
        }

        _parityWindows++;
        return true;
    }

    internal void ReturnParityWindow() => _parityWindows--;

    private void ReceiveShort(in QuicPath path, byte ecn, ReadOnlySpan<byte> datagram, Instant now)
    {
        if (datagram.Length < 1 + QuicLimits.ConnectionIdBytes)
        {
            _stats = _stats with { DroppedMalformed = _stats.DroppedMalformed + 1 };
            return;
        }

        if (_byId.TryGetValue(BinaryPrimitives.ReadUInt64BigEndian(datagram[1..]), out var connection)
            || (datagram.Length >= QuicLimits.MinStatelessResetBytes
                && _byResetToken.TryGetValue(BinaryPrimitives.ReadUInt128BigEndian(datagram[^NgTcp2.StatelessResetTokenBytes..]), out connection)))
        {
            if ((datagram[0] & ParityFormat.FixedBit) == 0)
            {
                datagram = connection.Uncover(path, datagram, _uncovered ??= new byte[ParityFormat.MaxPacketBytes], now);
            }

            if (!datagram.IsEmpty)
            {
                Deliver(connection, path, ecn, datagram, now);
            }

            return;
        }

        _stats = _stats with { DroppedUnknownConnection = _stats.DroppedUnknownConnection + 1 };
        AnswerWithReset(path, datagram, now);
    }

    private void ReceiveLong(in QuicPath path, byte ecn, ReadOnlySpan<byte> datagram, Instant now)
    {
        fixed (byte* data = datagram)
        {
            ngtcp2_version_cid header;
            var result = NgTcp2.ngtcp2_pkt_decode_version_cid(&header, data, (nuint)datagram.Length, QuicLimits.ConnectionIdBytes);
            if (result == NgTcp2Error.VersionNegotiation)
            {
                AnswerWithVersions(path, &header, data[0], now);
                return;
            }

            if (result != 0 || header.dcidlen > ngtcp2_cid.MaxBytes)
            {
                _stats = _stats with { DroppedMalformed = _stats.DroppedMalformed + 1 };
                return;
            }

            var id = new ReadOnlySpan<byte>(header.dcid, (int)header.dcidlen);
            if ((id.Length == QuicLimits.ConnectionIdBytes && _byId.TryGetValue(BinaryPrimitives.ReadUInt64BigEndian(id), out var connection))
                || _byFirstId.TryGetValue(new ConnectionId(id), out connection))
            {
                Deliver(connection, path, ecn, datagram, now);
            }
            else
            {
                ReceiveInitial(path, ecn, datagram, data, now);
            }
        }
    }

    private void Deliver(QuicConnection connection, in QuicPath path, byte ecn, ReadOnlySpan<byte> datagram, Instant now)
    {
        if (connection != _delivered)
        {
            EndDelivery(path);
        }

        var result = connection.Receive(_receivePath, ecn, datagram, now);
        if (result != 0)
        {
            connection.CloseAfterError(result);
        }
        else
        {
            _delivered = connection;
        }
    }

    private void EndDelivery(in QuicPath path)
    {
        _delivered?.EndReceive(path);
        _delivered = null;
    }

    /// <summary>
    /// A packet of a connection that is not known, perhaps from before a restart (RFC 9000 §10.3). The answer is shorter than what
    /// caused it, so two endpoints without state fall silent (§10.3.3).
    /// </summary>
    private void AnswerWithReset(in QuicPath path, ReadOnlySpan<byte> datagram, Instant now)
    {
        var length = Math.Min(datagram.Length - 1, QuicLimits.MaxStatelessResetBytes);
        if (length < QuicLimits.MinStatelessResetBytes || datagram[1] != _loopNumber)
        {
            return;
        }

        var slot = _stateless.Reserve();
        if (slot.IsEmpty || _resetRate.Count(now.Nanos) > QuicLimits.StatelessResetsPerSecond)
        {
            _stats = _stats with { DroppedStatelessLimit = _stats.DroppedStatelessLimit + 1 };
            return;
        }

        ngtcp2_cid id;
        id.datalen = QuicLimits.ConnectionIdBytes;
        datagram.Slice(1, QuicLimits.ConnectionIdBytes).CopyTo(new Span<byte>(id.data, QuicLimits.ConnectionIdBytes));
        var token = stackalloc byte[NgTcp2.StatelessResetTokenBytes];
        ResetTokenOf(&id, token);
        var random = stackalloc byte[QuicLimits.MaxStatelessResetBytes];
        var randomBytes = length - NgTcp2.StatelessResetTokenBytes;
        TlsPrimitives.FillRandom(new Span<byte>(random, randomBytes));
        fixed (byte* destination = slot)
        {
            var written = NgTcp2.ngtcp2_pkt_write_stateless_reset(destination, (nuint)length, token, random, (nuint)randomBytes);
            if (written > 0)
            {
                _stateless.Commit((int)written, path);
                _stats = _stats with { StatelessResetsSent = _stats.StatelessResetsSent + 1 };
            }
        }
    }

    private void AnswerWithVersions(in QuicPath path, ngtcp2_version_cid* header, byte firstByte, Instant now)
    {
        if (AcceptAlpn.Count == 0)
        {
            _stats = _stats with { DroppedNotAccepting = _stats.DroppedNotAccepting + 1 };
            return;
        }

        var slot = _stateless.Reserve();
        if (slot.IsEmpty || _versionRate.Count(now.Nanos) > QuicLimits.VersionNegotiationsPerSecond)
        {
            _stats = _stats with { DroppedStatelessLimit = _stats.DroppedStatelessLimit + 1 };
            return;
        }

        var version = NgTcp2.ProtoVersion1;
        fixed (byte* destination = slot)
        {
            var written = NgTcp2.ngtcp2_pkt_write_version_negotiation(
                destination, (nuint)slot.Length, firstByte, header->scid, header->scidlen, header->dcid, header->dcidlen, &version, 1);
            if (written > 0)
            {
                _stateless.Commit((int)written, path);
                _stats = _stats with { VersionNegotiationsSent = _stats.VersionNegotiationsSent + 1 };
            }
        }
    }
}
