using System.Buffers.Binary;
using VibePN.Tests.Sim;

namespace VibePN.Tests.Hostile;

/// <summary>What no honest peer sends: for a node in virtual time, and for a daemon with a real kernel behind it.</summary>
internal static class HostileData
{
    /// <summary>The flag of a checksum that the receiver is to complete.</summary>
    public const byte Partial = 1;

    /// <summary>The flag of a sequence number in front of the packet.</summary>
    public const byte SequenceFlag = 4;

    private const byte FragmentFlag = 2;

    /// <summary>Packets that a host must not get.</summary>
    /// <param name="own4">An address that the sender owns.</param>
    /// <param name="other4">Another peer's.</param>
    public static IEnumerable<BadPacket> Bad(string own4, string own6, string other4, string victim4, string victim6)
    {
        var udp = TestPacket.Udp(own4, victim4);
        var udp6 = TestPacket.Udp(own6, victim6);
        List<BadPacket> bad =
        [
            new("checksum flag on ICMP", Partial, With(udp, 9, 1), DropReason.InChecksumFlag),
            new("checksum flag on SCTP", Partial, With(udp, 9, 132), DropReason.InChecksumFlag),
            new("checksum flag on ICMPv6", Partial, With(udp6, 6, 58), DropReason.InChecksumFlag),
            new("checksum flag on a first fragment", Partial, With(udp, 6, 0x20), DropReason.InChecksumFlag),
            new("checksum flag on a last fragment", Partial, With(udp, 7, 8), DropReason.InChecksumFlag),
            new("checksum flag on an IPv6 fragment", Partial, WithExtension(udp6, 44, [17, 0, 0, 1, 0, 0, 0, 1]), DropReason.InChecksumFlag),
            new("checksum flag on an atomic IPv6 fragment", Partial, WithExtension(udp6, 44, [17, 0, 0, 0, 0, 0, 0, 1]), DropReason.InChecksumFlag),
            new("checksum flag behind hop-by-hop options", Partial, WithExtension(udp6, 0, [17, 0, 1, 4, 0, 0, 0, 0]), DropReason.InChecksumFlag),
            new("checksum flag behind a routing header", Partial, WithExtension(udp6, 43, [17, 0, 0, 0, 0, 0, 0, 0]), DropReason.InChecksumFlag),
            new("checksum flag behind destination options", Partial, WithExtension(udp6, 60, [17, 0, 1, 4, 0, 0, 0, 0]), DropReason.InChecksumFlag),
            new("checksum flag on 7 bytes of UDP", Partial, Whole(udp[..27]), DropReason.InChecksumFlag),
            new("checksum flag on 7 bytes of UDP in IPv6", Partial, Whole(udp6[..47]), DropReason.InChecksumFlag),
            new("checksum flag on 19 bytes of TCP", Partial, Whole(With([.. udp[..28], .. new byte[11]], 9, 6)), DropReason.InChecksumFlag),
            new("checksum flag on no transport at all", Partial, Whole(udp[..20]), DropReason.InChecksumFlag),
            new("no packet", 0, [], DropReason.InMalformed),
            new("one byte", 0, [0x45], DropReason.InMalformed),
            new("IP version 5", 0, With(udp, 0, 0x55), DropReason.InMalformed),
            new("IPv4 header of 16 bytes", 0, With(udp, 0, 0x44), DropReason.InMalformed),
            new("IPv4 header past the end", 0, With(udp, 0, 0x4f), DropReason.InMalformed),
            new("shorter than it says", 0, udp[..^1], DropReason.InMalformed),
            new("longer than it says", 0, [.. udp, 0], DropReason.InMalformed),
            new("IPv6 shorter than it says", 0, udp6[..^1], DropReason.InMalformed),
            new("IPv6 longer than it says", 0, [.. udp6, 0], DropReason.InMalformed),
            new("IPv6 jumbogram", 0, With(With(udp6, 4, 0), 5, 0), DropReason.InMalformed),
            new("IPv6 extension past the end", 0, WithExtension(udp6, 0, [17, 255, 1, 4, 0, 0, 0, 0]), DropReason.InMalformed),
            new("the target's own address as source", 0, TestPacket.Udp(victim4, victim4), DropReason.InSourceNotOwned),
            new("another peer's address as source", 0, TestPacket.Udp(other4, victim4), DropReason.InSourceNotOwned),
            new("an address of nobody as source", Partial, TestPacket.Udp("fd42::77", victim6), DropReason.InSourceNotOwned),
            new("multicast as source", 0, TestPacket.Udp("224.0.0.1", victim4), DropReason.InSourceNotOwned),
            new("0.0.0.0 as source", 0, TestPacket.Udp("0.0.0.0", victim4), DropReason.InSourceNotOwned),
            new("loopback as source", 0, TestPacket.Udp("::1", victim6), DropReason.InSourceNotOwned),
            new("a fragment header of 5 bytes", 2, new byte[5], DropReason.InFragmentMalformed),
            new("a fragment without bytes", 2, new byte[6], DropReason.InFragmentMalformed),
            new("a fragment past its packet", 2, [0, 1, 0, 8, 0, 16, .. new byte[9]], DropReason.InFragmentMalformed),
            new("a fragment at an odd offset", 2, [0, 1, 0, 7, 0, 16, .. new byte[9]], DropReason.InFragmentMalformed),
            new("a middle fragment of odd length", 2, [0, 1, 0, 0, 0, 16, .. new byte[9]], DropReason.InFragmentMalformed),
            new("a fragment of too long a packet", 2, [0, 1, 0, 0, 0xff, 0xff, .. new byte[16]], DropReason.InFragmentMalformed),
            new("a whole packet of rubbish in one fragment", 2, [0, 1, 0, 0, 0, 16, .. new byte[16]], DropReason.InMalformed),
            new("a whole packet with the checksum flag on ICMP in one fragment", 3, [0, 1, 0, 0, 0, (byte)udp.Length, .. With(udp, 9, 1)], DropReason.InChecksumFlag),
            new("a number of 3 bytes", SequenceFlag, new byte[3], DropReason.InMalformed),
            new("a number without a packet", SequenceFlag, new byte[4], DropReason.InMalformed),
            new("a number and a byte", SequenceFlag, [0, 0x40, 0, 1, 0x45], DropReason.InMalformed),
            new("a numbered fragment", 6, [0, 0x80, 0, 1, 0, 1, 0, 0, 0, (byte)udp.Length, .. udp], DropReason.InMalformed),
            new("a numbered packet from another peer's address", SequenceFlag, [0, 0xc0, 0, 1, .. TestPacket.Udp(other4, victim4)], DropReason.InSourceNotOwned),
            new("a numbered packet with the checksum flag on ICMP", 5, [1, 0, 0, 1, .. With(udp, 9, 1)], DropReason.InChecksumFlag),
        ];
        for (var bit = 3; bit < 8; bit++)
        {
            bad.Add(new($"flag {1 << bit}", (byte)(1 << bit), udp, DropReason.InUnknownFlags));
            bad.Add(new($"flag {1 << bit} on nothing", (byte)(1 << bit), [], DropReason.InUnknownFlags));
        }

        return bad;
    }

    /// <summary>A datagram with one piece of a packet.</summary>
    public static byte[] Fragment(byte tag, byte flags, ushort id, int offset, int totalBytes, ReadOnlySpan<byte> piece) =>
        [tag, (byte)(flags | FragmentFlag), (byte)(id >> 8), (byte)id, (byte)(offset >> 8), (byte)offset, (byte)(totalBytes >> 8), (byte)totalBytes, .. piece];

    /// <summary>Datagrams to begin with: good ones and nearly good ones.</summary>
    public static IEnumerable<byte[]> Corpus(byte tag, string own4, string own6, string victim4, string victim6)
    {
        var udp = TestPacket.Udp(own4, victim4, 60);
        var udp6 = TestPacket.Udp(own6, victim6, 60);
        byte[] tcp = Whole(With([.. udp[..20], .. new byte[60]], 9, 6));
        tcp[32] = 0x50;
        foreach (var packet in (byte[][])[udp, udp6, tcp, WithExtension(udp6, 44, [17, 0, 0, 1, 0, 0, 0, 1]), WithExtension(udp6, 0, [17, 0, 1, 4, 0, 0, 0, 0]), TestPacket.Udp(own4, victim4, 1400), With(udp, 9, 1)])
        {
            yield return [tag, 0, .. packet];
            yield return [tag, Partial, .. packet];
        }

        // Three lanes, gaps in two of them, some twice.
        foreach (var number in (byte[])[1, 2, 4, 5, 7, 3, 3, 9])
        {
            yield return [tag, SequenceFlag, 0, 0, 0, number, .. tcp];
            yield return [tag, SequenceFlag | Partial, 0, 0x40, 0, number, .. tcp];
            yield return [tag, SequenceFlag, (byte)(number << 4), 0x40, number, 0, .. udp];
        }

        for (byte id = 0; id < 4; id++)
        {
            yield return [tag, 2, 0, id, 0, 0, 0, (byte)udp.Length, .. udp[..40]];
            yield return [tag, 2, 0, id, 0, 40, 0, (byte)udp.Length, .. udp[40..]];
        }
    }

    /// <summary>Flips bits, sets bytes, cuts off, appends.</summary>
    public static int Mutate(Random random, byte[] datagram, int bytes)
    {
        // The beginning matters most: tag, flags, lengths, addresses.
        var at = bytes == 0 ? 0 : random.Next(random.Next(3) > 0 ? Math.Min(bytes, 50) : bytes);
        switch (random.Next(5))
        {
            case 0 or 1:
                datagram[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2:
                datagram[at] = (byte)random.Next(256);
                return bytes;
            case 3:
                return at;
            default:
                var more = Math.Min(random.Next(40), 1500 - bytes);
                random.NextBytes(datagram.AsSpan(bytes, more));
                return bytes + more;
        }
    }

    private static byte[] With(byte[] packet, int index, byte value)
    {
        byte[] copy = [.. packet];
        copy[index] = value;
        return copy;
    }

    /// <summary>Corrects the length in the IP header.</summary>
    private static byte[] Whole(byte[] packet)
    {
        byte[] copy = [.. packet];
        if (copy[0] >> 4 == 4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(2), (ushort)copy.Length);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(4), (ushort)(copy.Length - 40));
        }

        return copy;
    }

    private static byte[] WithExtension(byte[] packet, byte protocol, byte[] extension) =>
        Whole(With([.. packet[..40], .. extension, .. packet[40..]], 6, protocol));
}

/// <summary>A packet behind a tag that is right, and the reason for which it is dropped.</summary>
internal sealed record BadPacket(string What, byte Flags, byte[] Packet, DropReason Reason);
