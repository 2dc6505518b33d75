using System.Runtime.InteropServices;

namespace VibePN.Linux;

/// <summary>Writes a frame whose virtio-net header the kernel has refused without any: packet by packet, checksums computed.</summary>
internal static class TunFallback
{
    private const int StackBytes = 9216;

    /// <returns>True: at least one packet was taken, so that it was the header that the kernel does not like.</returns>
    public static bool Write(TunDevice tun, in TunFrame frame)
    {
        if (!Segmenter.Start(frame.Header, frame.Packet, out var segmenter) || segmenter.LargestBytes > StackBytes)
        {
            return false;
        }

        Span<byte> buffer = stackalloc byte[StackBytes];
        var isTaken = false;
        while (segmenter.TryNext(frame.Packet, out var header, out var payload))
        {
            var packet = buffer[..(header.Length + payload.Length)];
            header.CopyTo(packet);
            payload.CopyTo(packet[header.Length..]);
            if (segmenter.ChecksumPartial)
            {
                CompleteChecksum(packet, frame.Header);
            }

            isTaken |= tun.Write(default, packet) == TunWriteResult.Ok;
        }

        return isTaken;
    }

    /// <summary>The field holds the pseudo-header sum, so that summing up all of it gives the whole.</summary>
    internal static void CompleteChecksum(Span<byte> packet, in VirtioNetHeader header)
    {
        var sum = (ushort)~Checksum.Fold(Checksum.Add(0, packet[header.ChecksumStart..]));
        MemoryMarshal.Write(packet[(header.ChecksumStart + header.ChecksumOffset)..], sum == 0 ? (ushort)0xffff : sum);
    }
}
