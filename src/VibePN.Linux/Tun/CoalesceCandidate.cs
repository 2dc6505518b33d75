using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VibePN.Linux;

/// <summary>What a packet is to a <see cref="Coalescer"/>: where its flow is told, and whether it may be merged at all.</summary>
internal readonly ref struct CoalesceCandidate
{
    private const byte TcpPsh = 0x08;
    private const byte TcpAck = 0x10;
    private const byte TcpEce = 0x40;

    public int TransportOffset { get; private init; }

    public int HeaderBytes { get; private init; }

    public byte Protocol { get; private init; }

    public bool IsV4 { get; private init; }

    /// <summary>Never 0.</summary>
    public int Hash { get; private init; }

    public bool IsMergeable { get; private init; }

    /// <summary>TCP: nothing may follow in the same frame.</summary>
    public bool IsPushed { get; private init; }

    /// <summary>The addresses and ports: 12 bytes of IPv4, 36 of IPv6, as they stand one after another in the packet.</summary>
    public static ReadOnlySpan<byte> FlowOf(ReadOnlySpan<byte> packet, bool isV4) => isV4 ? packet.Slice(12, 12) : packet.Slice(8, 36);

    /// <summary>Looks at a valid packet. False: TCP or UDP whose flow is not told (fragments, options), or neither.</summary>
    /// <param name="mayMerge">False: spares the checks that only merging needs.</param>
    public static bool TryCreate(
        ReadOnlySpan<byte> packet,
        in IpHeader ip,
        bool checksumPartial,
        bool mayMerge,
        out CoalesceCandidate candidate)
    {
        candidate = default;
        var transport = packet[ip.PayloadOffset..];
        if (ip.IsFragment || ip.HasOptions || TransportChecksum.OffsetOf(ip.Protocol) < 0 || transport.Length < TransportChecksum.UdpBytes)
        {
            return false;
        }

        var isV4 = ip.Version == 4;
        var flow = FlowOf(packet, isV4);
        var isTcp = ip.Protocol == IpProtocol.Tcp;
        var transportBytes = isTcp ? TcpHeaderBytes(transport) : TransportChecksum.UdpBytes;
        candidate = new CoalesceCandidate
        {
            TransportOffset = ip.PayloadOffset,
            HeaderBytes = ip.PayloadOffset + transportBytes,
            Protocol = ip.Protocol,
            IsV4 = isV4,
            Hash = HashOf(flow, ip.Protocol),
            IsPushed = isTcp && transportBytes > 0 && (transport[13] & TcpPsh) != 0,
            IsMergeable = mayMerge && transportBytes > 0 && transport.Length > transportBytes
                && (isTcp ? IsPlainTcp(transport) : IsPlainUdp(transport, checksumPartial))
                && (!isV4 || Checksum.Compute(packet[..ip.PayloadOffset]) == 0)
                && (checksumPartial || IsChecksumRight(ip, transport)),
        };
        return true;
    }

    /// <summary>0: no valid header.</summary>
    private static int TcpHeaderBytes(ReadOnlySpan<byte> transport)
    {
        if (transport.Length < TransportChecksum.TcpMinBytes)
        {
            return 0;
        }

        var bytes = (transport[12] >> 4) * 4;
        return bytes >= TransportChecksum.TcpMinBytes && bytes <= transport.Length ? bytes : 0;
    }

    /// <summary>Data of an established connection: no SYN, FIN, RST, URG, CWR.</summary>
    private static bool IsPlainTcp(ReadOnlySpan<byte> transport) =>
        (transport[13] & ~(TcpPsh | TcpEce)) == TcpAck && (transport[12] & 0x0f) == 0;

    private static bool IsPlainUdp(ReadOnlySpan<byte> transport, bool checksumPartial)
    {
        var hasChecksum = checksumPartial || (transport[6] | transport[7]) != 0;
        return hasChecksum && BinaryPrimitives.ReadUInt16BigEndian(transport[4..]) == transport.Length;
    }

    /// <summary>A merged frame gets a new checksum: a wrong one must not be healed by that.</summary>
    private static bool IsChecksumRight(in IpHeader ip, ReadOnlySpan<byte> transport)
    {
        var pseudo = Checksum.PseudoHeader(ip.Source, ip.Destination, ip.Protocol, transport.Length);
        return Checksum.Fold(Checksum.Add(pseudo, transport)) == 0xffff;
    }

    private static int HashOf(ReadOnlySpan<byte> flow, byte protocol)
    {
        uint hash = protocol;
        foreach (var word in MemoryMarshal.Cast<byte, uint>(flow))
        {
            hash = (hash ^ word) * 0x9e37_79b1;
            hash ^= hash >> 15;
        }

        return (int)(hash | 1);
    }
}
