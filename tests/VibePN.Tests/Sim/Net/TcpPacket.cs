using System.Buffers.Binary;

namespace VibePN.Tests.Sim;

/// <summary>TCP segments of one flow, told apart by their sequence number.</summary>
internal static class TcpPacket
{
    private const byte Ack = 0x10;

    /// <summary>An IPv4 packet with a header checksum; TCP's is left out.</summary>
    public static byte[] Build(string source, string destination, int payloadBytes, byte flags = Ack, ushort port = 40_000)
    {
        // Longer by what TCP's header has more than UDP's.
        var packet = TestPacket.Udp(source, destination, payloadBytes + 12);
        packet[9] = 6;
        packet[10] = packet[11] = 0;
        var sum = VibePN.Linux.Checksum.Compute(packet.AsSpan(0, 20));
        BinaryPrimitives.WriteUInt16LittleEndian(packet.AsSpan(10), sum);
        packet.AsSpan(20).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), port);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), 443);
        packet[32] = 0x50;
        packet[33] = flags;
        return packet;
    }

    public static void Number(Span<byte> packet, int number) => BinaryPrimitives.WriteInt32BigEndian(packet[24..], number);

    public static int NumberOf(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadInt32BigEndian(packet[24..]);
}
