using System.Net;
using System.Runtime.InteropServices;
using VibePN.Linux;

namespace VibePN.Tests.Sim;

/// <summary>Small whole IP packets.</summary>
internal static class TestPacket
{
    /// <summary>A UDP packet with a valid IP header and no UDP checksum.</summary>
    public static byte[] Udp(string source, string destination, int payloadBytes = 10)
    {
        var from = IPAddress.Parse(source).GetAddressBytes();
        var to = IPAddress.Parse(destination).GetAddressBytes();
        var headerBytes = from.Length == 4 ? 20 : 40;
        var packet = new byte[headerBytes + 8 + payloadBytes];
        if (from.Length == 4)
        {
            packet[0] = 0x45;
            packet[2] = (byte)(packet.Length >> 8);
            packet[3] = (byte)packet.Length;
            packet[6] = 0x40;
            packet[8] = 64;
            packet[9] = 17;
            from.CopyTo(packet, 12);
            to.CopyTo(packet, 16);
            MemoryMarshal.Write(packet.AsSpan(10), Checksum.Compute(packet.AsSpan(0, 20)));
        }
        else
        {
            packet[0] = 0x60;
            packet[4] = (byte)((payloadBytes + 8) >> 8);
            packet[5] = (byte)(payloadBytes + 8);
            packet[6] = 17;
            packet[7] = 64;
            from.CopyTo(packet, 8);
            to.CopyTo(packet, 24);
        }

        packet[headerBytes + 4] = (byte)((payloadBytes + 8) >> 8);
        packet[headerBytes + 5] = (byte)(payloadBytes + 8);
        return packet;
    }
}
