using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VibePN.Linux;

namespace VibePN.Peers;

/// <summary>
/// Which flow a packet belongs to, as a salted hash: addresses, protocol and ports (of IPsec the SPI). Fragments have no ports but the
/// first: they go by addresses and protocol, in IPv6 also by the flow label (RFC 6438), so that all pieces are one flow; likewise
/// protocols without ports.
/// </summary>
internal static class FlowHash
{
    private const byte Dccp = 33;
    private const byte Esp = 50;
    private const byte Sctp = 132;
    private const byte UdpLite = 136;

    /// <param name="packet">What <paramref name="ip"/> was parsed from.</param>
    /// <param name="salt">Random, so that nobody can choose flows that collide.</param>
    public static ulong Of(in IpHeader ip, ReadOnlySpan<byte> packet, ulong salt)
    {
        var detail = Detail(ip, packet) | ((ulong)ip.Protocol << 32) | ((ulong)ip.Version << 40);
        if (ip.Version == 4)
        {
            var addresses = MemoryMarshal.Read<uint>(ip.Source) | ((ulong)MemoryMarshal.Read<uint>(ip.Destination) << 32);
            return Mix(Mix(salt, addresses), detail);
        }

        var hash = Mix(Mix(salt, MemoryMarshal.Read<ulong>(ip.Source)), MemoryMarshal.Read<ulong>(ip.Source[8..]));
        hash = Mix(Mix(hash, MemoryMarshal.Read<ulong>(ip.Destination)), MemoryMarshal.Read<ulong>(ip.Destination[8..]));
        return Mix(hash, detail);
    }

    /// <summary>
    /// The hash of a packet that is yet to be parsed; what is no IP packet is one flow. Also of a super-packet that was sent in part: its
    /// header is that of the packet sent last.
    /// </summary>
    public static ulong Of(ReadOnlySpan<byte> packet, ulong salt)
    {
        packet = packet[..Math.Min(IpHeader.DeclaredLength(packet), packet.Length)];
        return IpHeader.TryParse(packet, out var ip) ? Of(ip, packet, salt) : salt;
    }

    /// <summary>Four bytes that tell flows between the same hosts apart.</summary>
    private static ulong Detail(in IpHeader ip, ReadOnlySpan<byte> packet)
    {
        if (ip.Protocol is IpProtocol.Tcp or IpProtocol.Udp or Dccp or Esp or Sctp or UdpLite
            && !ip.IsFragment && packet.Length - ip.PayloadOffset >= sizeof(uint))
        {
            return MemoryMarshal.Read<uint>(packet[ip.PayloadOffset..]);
        }

        return ip.Version == 6 ? BinaryPrimitives.ReadUInt32BigEndian(packet) & 0xf_ffff : 0;
    }

    /// <summary>Two halves of a 128-bit product: every bit of both depends on every bit of the input.</summary>
    private static ulong Mix(ulong hash, ulong value)
    {
        var high = Math.BigMul(hash ^ value ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93, out var low);
        return high ^ low ^ hash;
    }
}
