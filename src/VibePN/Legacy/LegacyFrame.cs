using System.Buffers.Binary;
using System.Text;
using VibePN.Config;

namespace VibePN.Legacy;

/// <summary>One packet on a data stream of <c>vibepn/0.1</c>: one byte of name length, the network's name, two bytes of packet length, the packet.</summary>
internal static class LegacyFrame
{
    public const int MaxBytes = 1 + Names.MaxLength + PacketLengthBytes + ushort.MaxValue;

    /// <summary><see cref="BytesNeeded"/> of what is no frame.</summary>
    public const int Foreign = -1;

    private const int PacketLengthBytes = 2;

    /// <summary>A message of the control stream is told by so many bytes.</summary>
    private const int MessageBytes = 3;

    /// <summary>Bytes up to the end of the frame that <paramref name="source"/> begins, as far as they are known: asked again with so many, it may tell more.</summary>
    /// <returns><see cref="Foreign"/>: no frame of a network that could have been joined.</returns>
    public static int BytesNeeded(ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
        {
            return 1;
        }

        var nameBytes = source[0];
        if (nameBytes is 0 or > Names.MaxLength)
        {
            return source.Length < MessageBytes ? MessageBytes : Foreign;
        }

        var header = 1 + nameBytes + PacketLengthBytes;
        if (source.Length < header)
        {
            return header;
        }

        return IsName(source.Slice(1, nameBytes)) ? header + BinaryPrimitives.ReadUInt16BigEndian(source[(1 + nameBytes)..]) : Foreign;
    }

    /// <summary>The parts of a whole frame.</summary>
    /// <param name="frame">As long as <see cref="BytesNeeded"/> of it says.</param>
    public static void Split(ReadOnlySpan<byte> frame, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> packet)
    {
        name = frame.Slice(1, frame[0]);
        packet = frame[(1 + frame[0] + PacketLengthBytes)..];
    }

    /// <summary>Writes what stands in front of a packet.</summary>
    /// <param name="network">1 to 32 ASCII characters.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteHeader(Span<byte> destination, string network, int packetBytes)
    {
        var at = 1 + Encoding.ASCII.GetBytes(network, destination[1..]);
        destination[0] = (byte)network.Length;
        BinaryPrimitives.WriteUInt16BigEndian(destination[at..], checked((ushort)packetBytes));
        return at + PacketLengthBytes;
    }

    /// <summary><see cref="Names.IsValid"/> for bytes.</summary>
    public static bool IsName(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is 0 or > Names.MaxLength || bytes[0] == (byte)'-')
        {
            return false;
        }

        foreach (var c in bytes)
        {
            if (c is not ((>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9') or (byte)'-'))
            {
                return false;
            }
        }

        return true;
    }
}
