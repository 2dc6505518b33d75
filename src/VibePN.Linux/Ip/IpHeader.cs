using System.Buffers.Binary;

namespace VibePN.Linux;

/// <summary>
/// A view of a valid IPv4 or IPv6 header: version, header length and total length fit the packet exactly. Borrowed from the packet.
/// IPv4's header checksum is not looked at.
/// </summary>
public readonly ref struct IpHeader
{
    private const int V4MinBytes = 20;
    private const int V6Bytes = 40;

    // RFC 8200 §4.1 knows seven; nobody honest sends more.
    private const int MaxExtensionHeaders = 8;

    /// <summary>4 or 6.</summary>
    public int Version { get; private init; }

    /// <summary>4 or 16 bytes.</summary>
    public ReadOnlySpan<byte> Source { get; private init; }

    public ReadOnlySpan<byte> Destination { get; private init; }

    /// <summary>
    /// The upper layer (after IPv6 extension headers): 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6, … Of a fragment that is not the first: what its
    /// fragment header says; its <see cref="PayloadOffset"/> is then that of the fragment's data.
    /// </summary>
    public byte Protocol { get; private init; }

    /// <summary>Where the upper layer starts; may be the end of the packet.</summary>
    public int PayloadOffset { get; private init; }

    /// <summary>DSCP and ECN.</summary>
    public byte TrafficClass { get; private init; }

    public bool IsFragment { get; private init; }

    /// <summary>The fragment with offset 0; false when no fragment.</summary>
    public bool IsFirstFragment { get; private init; }

    /// <summary>IPv4's DF; always true for IPv6.</summary>
    public bool DontFragment { get; private init; }

    /// <summary>Header and payload: the length of the packet.</summary>
    public int TotalLength { get; private init; }

    /// <summary>IPv6 extension headers or IPv4 options stand between the header and the upper layer.</summary>
    public bool HasOptions => PayloadOffset != (Version == 4 ? V4MinBytes : V6Bytes);

    /// <returns>False: not one whole IP packet. IPv6 extension headers that run past the end, and jumbograms, are none either.</returns>
    public static bool TryParse(ReadOnlySpan<byte> packet, out IpHeader header)
    {
        header = default;
        if (packet.IsEmpty)
        {
            return false;
        }

        return (packet[0] >> 4) switch
        {
            4 => TryParseV4(packet, out header),
            6 => TryParseV6(packet, out header),
            _ => false,
        };
    }

    /// <summary>The length that a header claims for its packet; 0: there is none.</summary>
    public static int DeclaredLength(ReadOnlySpan<byte> packet) => packet.Length < V4MinBytes ? 0 : (packet[0] >> 4) switch
    {
        4 => BinaryPrimitives.ReadUInt16BigEndian(packet[2..]),
        6 => BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + V6Bytes,
        _ => 0,
    };

    private static bool TryParseV4(ReadOnlySpan<byte> packet, out IpHeader header)
    {
        header = default;
        if (packet.Length < V4MinBytes)
        {
            return false;
        }

        var headerBytes = (packet[0] & 0x0f) * 4;
        var total = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (headerBytes < V4MinBytes || total < headerBytes || total != packet.Length)
        {
            return false;
        }

        var fragment = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        var isFragment = (fragment & 0x3fff) != 0;
        header = new IpHeader
        {
            Version = 4,
            Source = packet.Slice(12, 4),
            Destination = packet.Slice(16, 4),
            Protocol = packet[9],
            PayloadOffset = headerBytes,
            TrafficClass = packet[1],
            IsFragment = isFragment,
            IsFirstFragment = isFragment && (fragment & 0x1fff) == 0,
            DontFragment = (fragment & 0x4000) != 0,
            TotalLength = total,
        };
        return true;
    }

    private static bool TryParseV6(ReadOnlySpan<byte> packet, out IpHeader header)
    {
        header = default;
        if (packet.Length < V6Bytes || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + V6Bytes != packet.Length)
        {
            return false;
        }

        var protocol = packet[6];
        var offset = V6Bytes;
        var isFragment = false;
        var isFirst = false;
        for (var i = 0; IsExtension(protocol) && !(isFragment && !isFirst); i++)
        {
            if (i == MaxExtensionHeaders || packet.Length - offset < 8)
            {
                return false;
            }

            var extension = packet[offset..];
            var bytes = protocol switch
            {
                IpProtocol.Fragment => 8,
                IpProtocol.Authentication => (extension[1] + 2) * 4,
                _ => (extension[1] + 1) * 8,
            };
            if (bytes > extension.Length)
            {
                return false;
            }

            if (protocol == IpProtocol.Fragment)
            {
                if (isFragment)
                {
                    return false;
                }

                // An atomic fragment (RFC 6946) is one too: nothing may be taken for the whole of it.
                isFragment = true;
                isFirst = (BinaryPrimitives.ReadUInt16BigEndian(extension[2..]) & 0xfff8) == 0;
            }

            protocol = extension[0];
            offset += bytes;
        }

        header = new IpHeader
        {
            Version = 6,
            Source = packet.Slice(8, 16),
            Destination = packet.Slice(24, 16),
            Protocol = protocol,
            PayloadOffset = offset,
            TrafficClass = (byte)(BinaryPrimitives.ReadUInt16BigEndian(packet) >> 4),
            IsFragment = isFragment,
            IsFirstFragment = isFirst,
            DontFragment = true,
            TotalLength = packet.Length,
        };
        return true;
    }

    private static bool IsExtension(byte protocol) => protocol is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.Fragment
        or IpProtocol.Authentication or IpProtocol.DestinationOptions or IpProtocol.Mobility;
}
