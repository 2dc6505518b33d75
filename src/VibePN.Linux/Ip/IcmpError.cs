using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VibePN.Linux;

/// <summary>
/// Builds ICMP errors about a packet of the host, to be written back to its TUN. No answer (0 bytes) goes to ICMP errors, to fragments
/// other than the first, to multicast, broadcast or from such or an unspecified source (RFC 1122 §3.2.2, RFC 4443 §2.4).
/// </summary>
public static class IcmpError
{
    /// <summary>A buffer of this size takes every answer.</summary>
    public const int MaxBytes = 1280;

    // RFC 1812 §4.3.2.3: an IPv4 error need not be longer than 576 bytes.
    private const int V4MaxBytes = 576;
    private const int V4HeaderBytes = 20;
    private const int V6HeaderBytes = 40;
    private const int IcmpHeaderBytes = 8;
    private const byte HopLimit = 64;
    private const byte V4Unreachable = 3;
    private const byte V4CodeHost = 1;
    private const byte V4CodeTooBig = 4;
    private const byte V4CodeAdministrative = 13;
    private const byte V6Unreachable = 1;
    private const byte V6TooBig = 2;
    private const byte V6CodeAdministrative = 1;
    private const byte V6CodeAddress = 3;

    /// <summary>IPv4 "fragmentation needed" (RFC 1191), IPv6 "packet too big" (RFC 4443 §3.2).</summary>
    /// <param name="packet">May be longer than its header says: a super-packet that was being segmented.</param>
    /// <param name="source">The address that answers, 4 or 16 bytes, of the same family as the packet.</param>
    /// <param name="mtu">The longest packet that would pass.</param>
    /// <param name="buffer">At least <see cref="MaxBytes"/>.</param>
    /// <returns>The length of the packet in <paramref name="buffer"/>; 0: no answer is due.</returns>
    public static int PacketTooBig(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> source, int mtu, Span<byte> buffer) =>
        packet.IsEmpty ? 0
        : packet[0] >> 4 == 4 ? Build(packet, source, V4Unreachable, V4CodeTooBig, (ushort)Math.Clamp(mtu, 0, ushort.MaxValue), buffer)
        : Build(packet, source, V6TooBig, code: 0, (uint)Math.Max(mtu, 0), buffer);

    /// <summary>"Destination unreachable" with a reason.</summary>
    public static int Unreachable(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> source, IcmpUnreachable reason, Span<byte> buffer)
    {
        if (packet.IsEmpty)
        {
            return 0;
        }

        var isAdministrative = reason == IcmpUnreachable.Administrative;
        return packet[0] >> 4 == 4
            ? Build(packet, source, V4Unreachable, isAdministrative ? V4CodeAdministrative : V4CodeHost, 0, buffer)
            : Build(packet, source, V6Unreachable, isAdministrative ? V6CodeAdministrative : V6CodeAddress, 0, buffer);
    }

    private static int Build(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> source, byte type, byte code, uint field, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buffer.Length, MaxBytes, nameof(buffer));
        packet = Trim(packet);
        if (!IpHeader.TryParse(packet, out var ip))
        {
            return 0;
        }

        if (source.Length != ip.Source.Length)
        {
            throw new ArgumentException("the source has another address family than the packet", nameof(source));
        }

        if (!IsAnswerDue(packet, ip))
        {
            return 0;
        }

        var headerBytes = ip.Version == 4 ? V4HeaderBytes : V6HeaderBytes;
        var total = Math.Min(ip.Version == 4 ? V4MaxBytes : MaxBytes, headerBytes + IcmpHeaderBytes + packet.Length);
        buffer = buffer[..total];
        var icmp = buffer[headerBytes..];
        icmp[0] = type;
        icmp[1] = code;
        icmp[2] = 0;
        icmp[3] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(icmp[4..], field);
        packet[..(icmp.Length - IcmpHeaderBytes)].CopyTo(icmp[IcmpHeaderBytes..]);
        ulong sum = 0;
        if (ip.Version == 4)
        {
            WriteV4(buffer, source, ip.Source);
        }
        else
        {
            WriteV6(buffer, source, ip.Source);
            sum = Checksum.PseudoHeader(source, ip.Source, IpProtocol.IcmpV6, icmp.Length);
        }

        var checksum = (ushort)~Checksum.Fold(Checksum.Add(sum, icmp));
        MemoryMarshal.Write(icmp[2..], checksum);
        return total;
    }

    /// <summary>A super-packet of which a segment's header stands in front: what the header says.</summary>
    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < V4HeaderBytes)
        {
            return packet;
        }

        var total = packet[0] >> 4 == 4
            ? BinaryPrimitives.ReadUInt16BigEndian(packet[2..])
            : BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + V6HeaderBytes;
        return packet[..Math.Min(total, packet.Length)];
    }

    private static bool IsAnswerDue(ReadOnlySpan<byte> packet, in IpHeader ip)
    {
        if (ip.IsFragment && !ip.IsFirstFragment)
        {
            return false;
        }

        if (IsNoUnicast(ip.Source) || IsNoUnicast(ip.Destination) || ip.Source.IndexOfAnyExcept((byte)0) < 0)
        {
            return false;
        }

        var payload = packet[ip.PayloadOffset..];
        return (ip.Version, ip.Protocol) switch
        {
            // Queries and their answers; everything else is an error, or cannot be told from one.
            (4, IpProtocol.Icmp) => !payload.IsEmpty && payload[0] is 0 or 8 or 9 or 10 or 13 or 14 or 15 or 16 or 17 or 18,
            (6, IpProtocol.IcmpV6) => !payload.IsEmpty && payload[0] >= 128 && payload[0] != 137,
            _ => true,
        };
    }

    /// <summary>Multicast, IPv4's reserved block and the limited broadcast. A subnet's broadcast address the caller must know.</summary>
    private static bool IsNoUnicast(ReadOnlySpan<byte> address) => address.Length == 4 ? address[0] >= 224 : address[0] == 0xff;

    private static void WriteV4(Span<byte> buffer, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        var header = buffer[..V4HeaderBytes];
        header.Clear();
        header[0] = 0x45;
        header[1] = 0xc0; // Internetwork control (RFC 1812 §4.3.2.5).
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)buffer.Length);
        header[8] = HopLimit;
        header[9] = IpProtocol.Icmp;
        source.CopyTo(header[12..]);
        destination.CopyTo(header[16..]);
        MemoryMarshal.Write(header[10..], Checksum.Compute(header));
    }

    private static void WriteV6(Span<byte> buffer, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        var header = buffer[..V6HeaderBytes];
        header.Clear();
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(buffer.Length - V6HeaderBytes));
        header[6] = IpProtocol.IcmpV6;
        header[7] = HopLimit;
        source.CopyTo(header[8..]);
        destination.CopyTo(header[24..]);
    }
}
