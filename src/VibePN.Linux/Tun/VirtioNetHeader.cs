using System.Runtime.InteropServices;

namespace VibePN.Linux;

/// <summary><c>struct virtio_net_hdr</c> (linux/virtio_net.h): 10 bytes in front of every frame, in the byte order of the host.</summary>
/// <param name="HeaderBytes">Length of all headers of a super-packet; a hint, not to be trusted.</param>
/// <param name="SegmentBytes">Payload bytes of each segment of a super-packet.</param>
/// <param name="ChecksumStart">Where checksumming starts, from the first byte of the packet.</param>
/// <param name="ChecksumOffset">Where the checksum goes, from <paramref name="ChecksumStart"/>.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly record struct VirtioNetHeader(
    VirtioNetBits Flags,
    VirtioGsoType GsoType,
    ushort HeaderBytes,
    ushort SegmentBytes,
    ushort ChecksumStart,
    ushort ChecksumOffset)
{
    public const int Bytes = 10;

    /// <summary>The frame is a super-packet of several segments.</summary>
    public bool IsGso => GsoType != VirtioGsoType.None;

    /// <summary>The transport checksum holds the pseudo-header sum only.</summary>
    public bool NeedsChecksum => (Flags & VirtioNetBits.NeedsChecksum) != 0;
}
