using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace VibePN.Quic.Parity;

/// <summary>
/// Covered packets and parity on the wire (docs/protocol.md, Parity): shaped like a packet with a short header, but for its fixed bit, and
/// a trailer behind it. First byte, connection id, the rest, trailer.
/// </summary>
internal static class ParityFormat
{
    /// <summary>1 in every packet of QUIC version 1 (RFC 9000 §17.3.1), 0 in what is described here.</summary>
    public const byte FixedBit = 0x40;

    /// <summary>First byte and connection id. The id is not part of the sum.</summary>
    public const int HeadBytes = 1 + QuicLimits.ConnectionIdBytes;

    /// <summary>Behind a covered packet: bit 15 is 0, then its number.</summary>
    public const int TrailerBytes = 2;

    /// <summary>Behind the sum: the sum of the lengths (2 bytes); 3 bits of distance and 5 of count, less one each; bit 15 is 1, then the first number.</summary>
    public const int ParityTrailerBytes = 2 + 1 + TrailerBytes;

    public const ushort ParityBit = 0x8000;

    public const ushort NumberMask = ParityBit - 1;

    /// <summary>Packets of one group.</summary>
    public const int MaxGroup = 1 << CountBits;

    /// <summary>Distance between the numbers of one group.</summary>
    public const int MaxDistance = 1 << (8 - CountBits);

    /// <summary>Of a covered packet without its trailer: what paths of 1,500 bytes carry, and some more.</summary>
    public const int MaxPacketBytes = 2_000;

    /// <summary>Covered packets that a receiver remembers: the longest group. Divides the numbers.</summary>
    public const int Window = MaxGroup * MaxDistance;

    private const int CountBits = 5;

    public static bool IsParity(ReadOnlySpan<byte> trailer) => (trailer[^TrailerBytes] & (ParityBit >> 8)) != 0;

    /// <summary>Of a covered packet; of parity: the first of its group.</summary>
    public static ushort ReadNumber(ReadOnlySpan<byte> datagram) => (ushort)(BinaryPrimitives.ReadUInt16BigEndian(datagram[^TrailerBytes..]) & NumberMask);

    public static void WriteTrailer(Span<byte> datagram, ushort number) => BinaryPrimitives.WriteUInt16BigEndian(datagram[^TrailerBytes..], number);

    public static ParityGroup ReadGroup(ReadOnlySpan<byte> datagram)
    {
        var trailer = datagram[^ParityTrailerBytes..];
        return new ParityGroup(
            ReadNumber(datagram),
            (trailer[2] & (MaxGroup - 1)) + 1,
            (trailer[2] >> CountBits) + 1,
            BinaryPrimitives.ReadUInt16BigEndian(trailer));
    }

    public static void WriteGroup(Span<byte> datagram, in ParityGroup group)
    {
        var trailer = datagram[^ParityTrailerBytes..];
        BinaryPrimitives.WriteUInt16BigEndian(trailer, group.Lengths);
        trailer[2] = (byte)((group.Count - 1) | ((group.Distance - 1) << CountBits));
        WriteTrailer(datagram, (ushort)(group.First | ParityBit));
    }

    /// <summary>Adds <paramref name="source"/> to the first bytes of <paramref name="sum"/>.</summary>
    public static void Add(Span<byte> sum, ReadOnlySpan<byte> source)
    {
        var whole = source.Length - (source.Length % Vector<byte>.Count);
        var left = MemoryMarshal.Cast<byte, Vector<byte>>(sum[..whole]);
        var right = MemoryMarshal.Cast<byte, Vector<byte>>(source[..whole]);
        for (var i = 0; i < right.Length; i++)
        {
            left[i] ^= right[i];
        }

        for (var i = whole; i < source.Length; i++)
        {
            sum[i] ^= source[i];
        }
    }
}

/// <summary>Which packets one of parity covers.</summary>
/// <param name="First">Number of the first, 15 bits.</param>
/// <param name="Count">1 to <see cref="ParityFormat.MaxGroup"/>.</param>
/// <param name="Distance">Between the numbers of neighbours: 1 to <see cref="ParityFormat.MaxDistance"/>.</param>
/// <param name="Lengths">All their lengths, added by exclusive or.</param>
internal readonly record struct ParityGroup(ushort First, int Count, int Distance, ushort Lengths)
{
    /// <summary>Number of the packet at <paramref name="place"/>, from 0.</summary>
    public ushort Number(int place) => (ushort)((First + (place * Distance)) & ParityFormat.NumberMask);
}
