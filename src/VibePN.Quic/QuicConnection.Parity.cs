using VibePN.Quic.Native;
using VibePN.Quic.Parity;

namespace VibePN.Quic;

/// <content>
/// Parity below QUIC (docs/protocol.md, Parity; docs/adr/0013): of a few packets lost at random the peer makes good what it can before QUIC
/// knows of it, so that congestion control does not see it.
/// </content>
public sealed unsafe partial class QuicConnection
{
    private const byte LongHeaderBit = 0x80;

    /// <summary>A window that got nothing for so long is given back.</summary>
    private const ulong ParityIdleNanos = 10_000_000_000;

    private ParityEncoder? _parityOut;
    private ParityDecoder? _parityIn;

    /// <summary>Of windows that were given back: counters never go back.</summary>
    private ParityStats _parityBefore;
    private ulong _parityInNanos;

    /// <summary>Bytes that covering takes from the largest packet: a datagram is covered if it leaves so much room.</summary>
    public const int ParityBytes = ParityFormat.ParityTrailerBytes;

    /// <summary>The peer may send covered packets, since it was told that they are understood here.</summary>
    public bool TakesParity { get; set; }

    public ParityStats Parity => new(
        _parityOut?.Group ?? 0,
        _parityOut?.Covered ?? 0,
        _parityOut?.Written ?? 0,
        _parityBefore.CoveredIn + (_parityIn?.Covered ?? 0),
        _parityBefore.ParityIn + (_parityIn?.Parity ?? 0),
        _parityBefore.Rebuilt + (_parityIn?.Rebuilt ?? 0),
        _parityBefore.Unsolved + (_parityIn?.Unsolved ?? 0),
        _parityBefore.Unfit + (_parityIn?.Unfit ?? 0));

    /// <summary>Sends parity from now on, or no longer. Only to a peer that understands it.</summary>
    /// <param name="group">Packets for one of parity, up to 32; 0: none.</param>
    /// <param name="maxAge">How long the first of a group may have to wait for its parity, when few packets are sent.</param>
    public void SetParity(int group, TimeSpan maxAge)
    {
        if (group > 0 || _parityOut != null)
        {
            _parityOut ??= new ParityEncoder();
            _parityOut.Set(_peerIdBytes == QuicLimits.ConnectionIdBytes ? group : 0, (ulong)maxAge.TotalNanoseconds);
        }
    }

    /// <summary>Parity is to be sent, behind the packets written last.</summary>
    public bool IsParityDue(Instant now) => _parityOut != null && _parityOut.Deadline <= now.Nanos;

    /// <summary>Writes the parity that is due. It goes along the active path, outside of congestion control.</summary>
    /// <param name="packet">At least <see cref="MaxPacketBytes"/> long.</param>
    /// <returns>0 bytes: it was not worth while.</returns>
    public QuicPacket WriteParity(Span<byte> packet, Instant now)
    {
        CheckPacket(packet);
        if (_parityOut == null || _state != State.Active)
        {
            return default;
        }

        var bytes = _parityOut.Close(packet, LargestDatagramPacket, now.Nanos);
        if (bytes == 0)
        {
            return default;
        }

        _packetsSent++;
        _bytesSent += (ulong)bytes;
        return new QuicPacket(this, bytes, _parityOut.Ecn, isOnActivePath: true);
    }

    /// <summary>Gives back what covered packets are remembered in, if none came for a while.</summary>
    public void ReleaseIdleParity(Instant now)
    {
        if (_parityIn != null && now.Nanos - _parityInNanos > ParityIdleNanos)
        {
            ReleaseParity();
        }
    }

    /// <summary>A datagram shaped like a short-header packet whose fixed bit is 0.</summary>
    /// <param name="scratch">At least <see cref="ParityFormat.MaxPacketBytes"/>; used where the packet is not remembered.</param>
    /// <returns>The QUIC packet that it is or that it gives, borrowed until the next call; empty: none.</returns>
    internal ReadOnlySpan<byte> Uncover(scoped in QuicPath path, ReadOnlySpan<byte> datagram, Span<byte> scratch, Instant now)
    {
        if (!TakesParity || _state != State.Active || datagram.Length <= ParityFormat.HeadBytes + ParityFormat.ParityTrailerBytes)
        {
            return datagram;
        }

        var isRemembered = path == _path && (_parityIn != null || TryTakeParityWindow());
        if (ParityFormat.IsParity(datagram))
        {
            return isRemembered ? _parityIn!.Solve(datagram) : default;
        }

        if (isRemembered)
        {
            _parityInNanos = now.Nanos;
            return _parityIn!.Add(datagram);
        }

        datagram = datagram[..^ParityFormat.TrailerBytes];
        if (datagram.Length > scratch.Length)
        {
            return default;
        }

        datagram.CopyTo(scratch);
        scratch[0] |= ParityFormat.FixedBit;
        return scratch[..datagram.Length];
    }

    private bool TryTakeParityWindow()
    {
        if (!_endpoint.TryTakeParityWindow())
        {
            return false;
        }

        _parityIn = new ParityDecoder();
        return true;
    }

    private void ReleaseParity()
    {
        if (_parityIn != null)
        {
            _parityBefore = Parity;
            _parityIn.Free();
            _parityIn = null;
            _endpoint.ReturnParityWindow();
        }
    }

    /// <summary>Makes a packet written along the active path a covered one, if parity is on and it leaves room for it.</summary>
    /// <param name="buffer">Begins with it.</param>
    /// <returns>Bytes to send.</returns>
    private nint Cover(Span<byte> buffer, nint length, in ngtcp2_pkt_info info)
    {
        var bytes = (int)length;
        return _parityOut is { Group: > 0 } parity
            && (buffer[0] & LongHeaderBit) == 0
            && bytes > ParityFormat.HeadBytes
            && bytes <= Math.Min(ParityFormat.MaxPacketBytes, Math.Min(LargestDatagramPacket, buffer.Length) - ParityBytes)
            && NativePath.AreEqual(&_block->WrittenPath, &_block->ActivePath)
                ? parity.Cover(buffer, bytes, info.ecn, _now.Nanos)
                : length;
    }
}
