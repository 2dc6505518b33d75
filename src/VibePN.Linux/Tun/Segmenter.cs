using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VibePN.Linux;

/// <summary>
/// Splits a frame into its packets without copying payload: each is a header (patched in place at the start of the frame) and a slice.
/// A plain value that can be stored beside the frame and continued later, also with a copy of the frame; the frame is passed again to
/// every call and must not be changed in between. A frame that is no super-packet is one packet.
/// </summary>
/// <remarks>
/// As the kernel does it (net/ipv4/tcp_offload.c): sequence number and IPv4 identification count up, CWR stays on the first packet, FIN
/// and PSH on the last. Checksums of TCP and UDP are left partial (the pseudo-header sum of each packet) but for IPv6 extension headers.
/// </remarks>
public struct Segmenter
{
    private const byte TcpFin = 0x01;
    private const byte TcpPsh = 0x08;
    private const byte TcpCwr = 0x80;
    private const int TcpFlagsOffset = 13;
    private const int TcpSequenceOffset = 4;

    /// <summary>Sum of addresses and protocol, folded.</summary>
    private ushort _pseudo;
    private ushort _ipId;
    private ushort _headerBytes;
    private ushort _transportOffset;
    private ushort _segmentBytes;
    private int _payloadBytes;
    private int _count;
    private int _next;
    private uint _sequence;
    private byte _protocol;
    private byte _tcpFlags;
    private bool _isV4;

    /// <summary>The packets' transport checksums hold the pseudo-header sum only: to be told to the receiver.</summary>
    public bool ChecksumPartial { get; private set; }

    /// <summary>Packets that have not been taken yet.</summary>
    public readonly int Remaining => _count - _next;

    /// <summary>Length of the next packet, headers included; 0 at the end.</summary>
    public readonly int NextBytes => _next < _count ? _headerBytes + PayloadOf(_next) : 0;

    /// <summary>The longest packet of the frame: compare with the tunnel's MTU before anything is sent.</summary>
    public readonly int LargestBytes => _count == 0 ? 0 : _headerBytes + PayloadOf(0);

    /// <summary>Prepares a frame; may complete a checksum in it.</summary>
    /// <returns>False: no IP packet, or the header contradicts it; drop the frame.</returns>
    public static bool Start(in VirtioNetHeader header, Span<byte> frame, out Segmenter segmenter)
    {
        segmenter = default;
        if (!IpHeader.TryParse(frame, out var ip))
        {
            return false;
        }

        return header.IsGso ? segmenter.StartSuper(header, frame, ip) : segmenter.StartSingle(header, frame, ip);
    }

    /// <summary>The next packet, which stays the next one until <see cref="Advance"/>; false at the end.</summary>
    /// <param name="header">All headers; empty when the frame is one packet, which then is <paramref name="payload"/> alone.</param>
    public readonly bool TryPeek(Span<byte> frame, out ReadOnlySpan<byte> header, out ReadOnlySpan<byte> payload)
    {
        header = default;
        payload = default;
        if (_next >= _count)
        {
            return false;
        }

        var bytes = PayloadOf(_next);
        payload = frame.Slice(_headerBytes + (_next * _segmentBytes), bytes);
        if (_headerBytes == 0)
        {
            return true;
        }

        Patch(frame[.._headerBytes], payload);
        header = frame[.._headerBytes];
        return true;
    }

    public void Advance() => _next = Math.Min(_next + 1, _count);

    /// <summary><see cref="TryPeek"/> and <see cref="Advance"/>. The header is valid until the next call.</summary>
    public bool TryNext(Span<byte> frame, out ReadOnlySpan<byte> header, out ReadOnlySpan<byte> payload)
    {
        var found = TryPeek(frame, out header, out payload);
        Advance();
        return found;
    }

    private bool StartSingle(in VirtioNetHeader header, Span<byte> frame, in IpHeader ip)
    {
        _count = 1;
        _payloadBytes = frame.Length;
        if (!header.NeedsChecksum)
        {
            return true;
        }

        var field = header.ChecksumStart + header.ChecksumOffset;
        if (header.ChecksumStart >= frame.Length || field + sizeof(ushort) > frame.Length)
        {
            return false;
        }

        var isPlain = header.ChecksumStart == ip.PayloadOffset && header.ChecksumOffset == TransportChecksum.OffsetOf(ip.Protocol);
        if (isPlain && TransportChecksum.MayBePartial(ip, frame.Length))
        {
            ChecksumPartial = true;
            return true;
        }

        // A checksum within a tunnel, or behind extension headers: completed here. The field holds the pseudo-header sum.
        var sum = (ushort)~Checksum.Fold(Checksum.Add(0, frame[header.ChecksumStart..]));
        MemoryMarshal.Write(frame[field..], sum == 0 ? (ushort)0xffff : sum);
        return true;
    }

    private bool StartSuper(in VirtioNetHeader header, Span<byte> frame, in IpHeader ip)
    {
        var type = header.GsoType & ~VirtioGsoType.Ecn;
        var isTcp = type == (ip.Version == 4 ? VirtioGsoType.TcpV4 : VirtioGsoType.TcpV6) && ip.Protocol == IpProtocol.Tcp;
        var isUdp = type == VirtioGsoType.UdpL4 && ip.Protocol == IpProtocol.Udp;
        var transport = frame[ip.PayloadOffset..];
        if (header.SegmentBytes == 0 || ip.IsFragment || !(isTcp || isUdp)
            || transport.Length < (isTcp ? TransportChecksum.TcpMinBytes : TransportChecksum.UdpBytes))
        {
            return false;
        }

        var transportBytes = isTcp ? (transport[12] >> 4) * 4 : TransportChecksum.UdpBytes;
        if (isTcp && (transportBytes < TransportChecksum.TcpMinBytes || transportBytes > transport.Length))
        {
            return false;
        }

        _isV4 = ip.Version == 4;
        _protocol = ip.Protocol;
        _transportOffset = (ushort)ip.PayloadOffset;
        _headerBytes = (ushort)(ip.PayloadOffset + transportBytes);
        _payloadBytes = frame.Length - _headerBytes;
        _segmentBytes = header.SegmentBytes;
        _count = Math.Max((_payloadBytes + _segmentBytes - 1) / _segmentBytes, 1);
        _pseudo = Checksum.Fold(Checksum.PseudoHeader(ip.Source, ip.Destination, ip.Protocol, 0));
        ChecksumPartial = _isV4 || !ip.HasOptions;
        if (_isV4)
        {
            _ipId = BinaryPrimitives.ReadUInt16BigEndian(frame[4..]);
        }

        if (isTcp)
        {
            _sequence = BinaryPrimitives.ReadUInt32BigEndian(transport[TcpSequenceOffset..]);
            _tcpFlags = transport[TcpFlagsOffset];
        }

        return true;
    }

    private readonly int PayloadOf(int index) =>
        _count == 1 ? _payloadBytes : Math.Min(_segmentBytes, _payloadBytes - (index * _segmentBytes));

    private readonly void Patch(Span<byte> header, ReadOnlySpan<byte> payload)
    {
        var transport = header[_transportOffset..];
        if (_isV4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(header.Length + payload.Length));
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(_ipId + _next));
            header[10] = 0;
            header[11] = 0;
            MemoryMarshal.Write(header[10..], Checksum.Compute(header[.._transportOffset]));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(header.Length + payload.Length - 40));
        }

        var transportBytes = transport.Length + payload.Length;
        if (_protocol == IpProtocol.Tcp)
        {
            var flags = _tcpFlags;
            flags = _next > 0 ? (byte)(flags & ~TcpCwr) : flags;
            flags = _next < _count - 1 ? (byte)(flags & ~(TcpFin | TcpPsh)) : flags;
            transport[TcpFlagsOffset] = flags;
            BinaryPrimitives.WriteUInt32BigEndian(transport[TcpSequenceOffset..], _sequence + (uint)(_next * _segmentBytes));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transportBytes);
        }

        var field = transport[TransportChecksum.OffsetOf(_protocol)..];
        var pseudo = _pseudo + Checksum.Network((uint)transportBytes);
        if (ChecksumPartial)
        {
            MemoryMarshal.Write(field, Checksum.Fold(pseudo));
            return;
        }

        field[0] = 0;
        field[1] = 0;
        var sum = (ushort)~Checksum.Fold(Checksum.Add(Checksum.Add(pseudo, transport), payload));
        MemoryMarshal.Write(field, sum == 0 && _protocol == IpProtocol.Udp ? (ushort)0xffff : sum);
    }
}
