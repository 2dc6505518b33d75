using System.Buffers.Binary;
using System.Globalization;
using System.Net;

namespace VibePN.Capture;

/// <summary>An IP packet in a few words: addresses, protocol, ports.</summary>
public static class PacketText
{
    private const int Icmp = 1;
    private const int Tcp = 6;
    private const int Udp = 17;
    private const int IcmpV6 = 58;

    /// <param name="packet">From its first byte; may be cut off anywhere, and be no packet at all.</param>
    public static string Of(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty || (packet[0] >> 4) is not (4 or 6))
        {
            return "no IP packet";
        }

        var isFour = packet[0] >> 4 == 4;
        var headerBytes = isFour ? (packet[0] & 15) * 4 : 40;
        if (headerBytes < 20)
        {
            return "no IP packet";
        }

        if (packet.Length < (isFour ? 20 : 40))
        {
            return $"cut off IPv{(isFour ? 4 : 6)} packet";
        }

        var source = new IPAddress(isFour ? packet[12..16] : packet[8..24]);
        var destination = new IPAddress(isFour ? packet[16..20] : packet[24..40]);
        int protocol = isFour ? packet[9] : packet[6];
        var isFirst = !isFour || (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1fff) == 0;
        var transport = isFirst && packet.Length > headerBytes ? packet[headerBytes..] : default;
        return (protocol, transport.Length) switch
        {
            (Tcp or Udp, >= 4) => string.Create(
                CultureInfo.InvariantCulture,
                $"{End(source, BinaryPrimitives.ReadUInt16BigEndian(transport))} > {End(destination, BinaryPrimitives.ReadUInt16BigEndian(transport[2..]))} {(protocol == Tcp ? "TCP" + Flags(transport) : "UDP")}"),
            (Icmp or IcmpV6, >= 2) => string.Create(CultureInfo.InvariantCulture, $"{source} > {destination} {IcmpText(protocol == Icmp, transport[0], transport[1])}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{source} > {destination} {(isFirst ? "" : "fragment, ")}protocol {protocol}"),
        };
    }

    private static string End(IPAddress address, int port) => new IPEndPoint(address, port).ToString();

    private static string Flags(ReadOnlySpan<byte> tcp)
    {
        if (tcp.Length < 14)
        {
            return "";
        }

        ReadOnlySpan<string> names = ["FIN", "SYN", "RST", "PSH", "ACK"];
        var text = "";
        for (var i = 0; i < names.Length; i++)
        {
            text += (tcp[13] >> i & 1) != 0 ? " " + names[i] : "";
        }

        return text;
    }

    private static string IcmpText(bool isFour, byte type, byte code) => (isFour, type, code) switch
    {
        (true, 8, _) or (false, 128, _) => "echo request",
        (true, 0, _) or (false, 129, _) => "echo reply",
        (true, 3, 4) or (false, 2, _) => "packet too big",
        (true, 3, _) or (false, 1, _) => "unreachable",
        (true, 11, _) or (false, 3, _) => "time exceeded",
        _ => $"ICMP{(isFour ? "" : "v6")} type {type}, code {code}",
    };
}
