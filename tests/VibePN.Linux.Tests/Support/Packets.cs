using System.Buffers.Binary;
using System.Net;

namespace VibePN.Linux.Tests;

/// <summary>Builds packets byte by byte, and checks them with a scalar checksum: shares no code with what is tested.</summary>
internal static class Packets
{
    public const byte Fin = 0x01;
    public const byte Syn = 0x02;
    public const byte Rst = 0x04;
    public const byte Psh = 0x08;
    public const byte Ack = 0x10;
    public const byte Urg = 0x20;
    public const byte Ece = 0x40;
    public const byte Cwr = 0x80;

    /// <summary>An IP packet with a right header checksum; the family is that of the addresses.</summary>
    public static byte[] Ip(string source, string destination, byte protocol, byte[] payload, ushort id = 0, bool df = true, byte ttl = 64, byte trafficClass = 0)
    {
        var from = IPAddress.Parse(source).GetAddressBytes();
        var to = IPAddress.Parse(destination).GetAddressBytes();
        if (from.Length == 16)
        {
            var v6 = new byte[40 + payload.Length];
            BinaryPrimitives.WriteUInt32BigEndian(v6, 0x6000_0000u | ((uint)trafficClass << 20));
            BinaryPrimitives.WriteUInt16BigEndian(v6.AsSpan(4), (ushort)payload.Length);
            v6[6] = protocol;
            v6[7] = ttl;
            from.CopyTo(v6, 8);
            to.CopyTo(v6, 24);
            payload.CopyTo(v6, 40);
            return v6;
        }

        var v4 = new byte[20 + payload.Length];
        v4[0] = 0x45;
        v4[1] = trafficClass;
        BinaryPrimitives.WriteUInt16BigEndian(v4.AsSpan(2), (ushort)v4.Length);
        BinaryPrimitives.WriteUInt16BigEndian(v4.AsSpan(4), id);
        v4[6] = (byte)(df ? 0x40 : 0);
        v4[8] = ttl;
        v4[9] = protocol;
        from.CopyTo(v4, 12);
        to.CopyTo(v4, 16);
        payload.CopyTo(v4, 20);
        BinaryPrimitives.WriteUInt16BigEndian(v4.AsSpan(10), (ushort)~Sum(v4.AsSpan(0, 20)));
        return v4;
    }

    /// <summary>A UDP packet with a right checksum.</summary>
    public static byte[] Udp(string source, string destination, int sourcePort, int destinationPort, byte[] data, ushort id = 0)
    {
        var udp = new byte[8 + data.Length];
        BinaryPrimitives.WriteUInt16BigEndian(udp, (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(2), (ushort)destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(4), (ushort)udp.Length);
        data.CopyTo(udp, 8);
        var packet = Ip(source, destination, IpProtocol.Udp, udp, id);
        FillTransportChecksum(packet, partial: false);
        return packet;
    }

    /// <summary>A TCP packet with a right checksum.</summary>
    public static byte[] Tcp(string source, string destination, uint sequence, byte flags, byte[] data, ushort id = 0, byte[]? options = null,
        uint acknowledgement = 1, ushort window = 500, int sourcePort = 40000, int destinationPort = 80, byte trafficClass = 0, byte ttl = 64)
    {
        options ??= [];
        var tcp = new byte[20 + options.Length + data.Length];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(2), (ushort)destinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(8), acknowledgement);
        tcp[12] = (byte)((20 + options.Length) / 4 << 4);
        tcp[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(14), window);
        options.CopyTo(tcp, 20);
        data.CopyTo(tcp, 20 + options.Length);
        var packet = Ip(source, destination, IpProtocol.Tcp, tcp, id, ttl: ttl, trafficClass: trafficClass);
        FillTransportChecksum(packet, partial: false);
        return packet;
    }

    public static byte[] IcmpEcho(string source, string destination, byte type, byte[] data)
    {
        byte[] icmp = [type, 0, 0, 0, 0x12, 0x34, 0, 1, .. data];
        var isV6 = source.Contains(':', StringComparison.Ordinal);
        var packet = Ip(source, destination, isV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp, icmp);
        var offset = isV6 ? 40 : 20;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(offset + 2), (ushort)~(isV6 ? TransportSum(packet) : Sum(packet.AsSpan(offset))));
        return packet;
    }

    /// <summary>Writes the checksum of a TCP or UDP packet without options in its IP header; partial: the pseudo-header sum only.</summary>
    public static void FillTransportChecksum(byte[] packet, bool partial)
    {
        var isV4 = packet[0] >> 4 == 4;
        var offset = isV4 ? 20 : 40;
        var protocol = isV4 ? packet[9] : packet[6];
        var field = packet.AsSpan(offset + (protocol == IpProtocol.Tcp ? 16 : 6));
        field[..2].Clear();
        var sum = partial ? PseudoSum(packet) : (ushort)~TransportSum(packet);
        BinaryPrimitives.WriteUInt16BigEndian(field, !partial && sum == 0 && protocol == IpProtocol.Udp ? (ushort)0xffff : sum);
    }

    /// <summary>0xffff for a packet (without options in its IP header) whose transport checksum is right.</summary>
    public static ushort TransportSum(ReadOnlySpan<byte> packet)
    {
        var offset = packet[0] >> 4 == 4 ? 20 : 40;
        return Fold(PseudoSum(packet) + (ulong)Sum(packet[offset..]));
    }

    /// <summary>0xffff for an IPv4 packet whose header checksum is right.</summary>
    public static ushort HeaderSum(ReadOnlySpan<byte> packet) => Sum(packet[..((packet[0] & 15) * 4)]);

    /// <summary>The oracle: 16 bits at a time, in network byte order.</summary>
    public static ushort Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        for (var i = 0; i < bytes.Length; i += 2)
        {
            sum += (ulong)((bytes[i] << 8) | (i + 1 < bytes.Length ? bytes[i + 1] : 0));
        }

        return Fold(sum);
    }

    public static ushort PseudoSum(ReadOnlySpan<byte> packet)
    {
        var isV4 = packet[0] >> 4 == 4;
        var addresses = isV4 ? packet.Slice(12, 8) : packet.Slice(8, 32);
        var length = packet.Length - (isV4 ? 20 : 40);
        return Fold((ulong)Sum(addresses) + (isV4 ? packet[9] : packet[6]) + (ulong)length);
    }

    public static byte[] Data(int bytes, int seed)
    {
        var data = new byte[bytes];
        new Random(seed).NextBytes(data);
        return data;
    }

    private static ushort Fold(ulong sum)
    {
        while (sum > 0xffff)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)sum;
    }
}
