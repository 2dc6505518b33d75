using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VibePN.Linux;

namespace VibePN.Tests.Peers;

/// <summary>UDP packets of numbered flows, with a right IPv4 header; the number of the packet stands in its last four bytes.</summary>
internal static class FlowPacket
{
    public const int MinBytes = 52;

    public static byte[] Build(int flow, int number, int bytes, byte ecn = 0, bool isIPv6 = false)
    {
        var packet = new byte[bytes];
        var transport = isIPv6 ? 40 : 20;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(transport), (ushort)(1024 + flow));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(transport + 2), 53);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(transport + 4), (ushort)(bytes - transport));
        BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(bytes - 4), number);
        if (isIPv6)
        {
            packet[0] = 0x60;
            packet[1] = (byte)(ecn << 4);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(bytes - 40));
            packet[6] = IpProtocol.Udp;
            packet[8] = 0xfd;
            packet[24] = 0xfd;
            packet[39] = 1;
            return packet;
        }

        packet[0] = 0x45;
        packet[1] = ecn;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)bytes);
        packet[8] = 64;
        packet[9] = IpProtocol.Udp;
        packet[12] = 10;
        packet[16] = 10;
        packet[19] = 1;
        MemoryMarshal.Write(packet.AsSpan(10), Checksum.Compute(packet.AsSpan(0, 20)));
        return packet;
    }

    public static int FlowOf(ReadOnlySpan<byte> packet) =>
        BinaryPrimitives.ReadUInt16BigEndian(packet[(packet[0] >> 4 == 6 ? 40 : 20)..]) - 1024;

    public static int NumberOf(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadInt32BigEndian(packet[^4..]);
}
