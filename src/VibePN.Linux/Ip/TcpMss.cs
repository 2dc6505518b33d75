using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VibePN.Linux;

/// <summary>
/// Lowers the maximum segment size that a TCP handshake announces (RFC 9293 §3.7.1), so that no full segment is too large for the tunnel,
/// also where ICMP is dropped on the way. A SYN without the option stands for 536 bytes (IPv4) or 1,220 (IPv6), which always fit or are
/// fragmented by the tunnel.
/// </summary>
public static class TcpMss
{
    /// <summary>Nothing is lowered below: a broken MTU must not make connections useless.</summary>
    public const int MinBytes = 536;

    private const int V4HeaderBytes = 20;
    private const int V6HeaderBytes = 40;
    private const int FlagsOffset = 13;
    private const byte Syn = 0x02;
    private const byte EndOfOptions = 0;
    private const byte NoOperation = 1;
    private const byte MssKind = 2;
    private const int MssOptionBytes = 4;

    /// <summary>Whether <see cref="Clamp"/> is worth calling: one packet in a connection.</summary>
    /// <param name="packet">What <paramref name="ip"/> was parsed from.</param>
    public static bool IsHandshake(in IpHeader ip, ReadOnlySpan<byte> packet) =>
        ip.Protocol == IpProtocol.Tcp && !ip.IsFragment && packet.Length - ip.PayloadOffset >= TransportChecksum.TcpMinBytes
        && (packet[ip.PayloadOffset + FlagsOffset] & Syn) != 0;

    /// <param name="packet">Anything; only a whole SYN or SYN-ACK whose option is too large is changed.</param>
    /// <param name="mtuBytes">The largest packet that passes. The option counts neither IP nor TCP options (RFC 6691).</param>
    /// <param name="checksumPartial">
    /// The field holds the sum of the pseudo-header: addresses, protocol and length, none of which changes, so neither does the field;
    /// who completes the checksum does it over the new option. Otherwise it is corrected.
    /// </param>
    /// <returns>The packet was changed.</returns>
    public static bool Clamp(Span<byte> packet, int mtuBytes, bool checksumPartial)
    {
        if (!IpHeader.TryParse(packet, out var ip) || !IsHandshake(ip, packet))
        {
            return false;
        }

        var tcp = packet[ip.PayloadOffset..];
        var most = Math.Max(mtuBytes - (ip.Version == 4 ? V4HeaderBytes : V6HeaderBytes) - TransportChecksum.TcpMinBytes, MinBytes);
        var at = FindOption(tcp);
        if (at < 0 || BinaryPrimitives.ReadUInt16BigEndian(tcp[at..]) <= most)
        {
            return false;
        }

        // An odd place (after one no-operation) lies across two words of the sum.
        Span<byte> before = stackalloc byte[4];
        var words = tcp.Slice(at & ~1, (at & 1) == 0 ? 2 : 4);
        words.CopyTo(before);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[at..], (ushort)most);
        for (var i = 0; i < words.Length && !checksumPartial; i += sizeof(ushort))
        {
            Checksum.Update(tcp[TransportChecksum.TcpOffset..], MemoryMarshal.Read<ushort>(before[i..]), MemoryMarshal.Read<ushort>(words[i..]));
        }

        return true;
    }

    /// <returns>Offset of the option's value in the TCP header, wholly inside it; -1: there is none, or the options are broken.</returns>
    private static int FindOption(ReadOnlySpan<byte> tcp)
    {
        var end = (tcp[12] >> 4) * 4;
        if (end > tcp.Length)
        {
            return -1;
        }

        for (var at = TransportChecksum.TcpMinBytes; at < end && tcp[at] != EndOfOptions;)
        {
            if (tcp[at] == NoOperation)
            {
                at++;
                continue;
            }

            var bytes = at + 1 < end ? tcp[at + 1] : 0;
            if (bytes < 2 || at + bytes > end)
            {
                return -1;
            }

            if (tcp[at] == MssKind)
            {
                return bytes == MssOptionBytes ? at + 2 : -1;
            }

            at += bytes;
        }

        return -1;
    }
}
