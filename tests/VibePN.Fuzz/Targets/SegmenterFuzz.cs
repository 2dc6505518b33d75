using System.Runtime.InteropServices;
using VibePN.Linux;

namespace VibePN.Fuzz;

internal static class SegmenterFuzz
{
    /// <summary>A virtio-net header, then the frame.</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        if (input.Length < VirtioNetHeader.Bytes)
        {
            return;
        }

        var header = MemoryMarshal.Read<VirtioNetHeader>(input);
        var frame = input[VirtioNetHeader.Bytes..].ToArray();
        if (!Segmenter.Start(header, frame, out var segmenter))
        {
            return;
        }

        var packets = 0;
        var left = segmenter.Remaining;
        while (segmenter.TryNext(frame, out var headers, out var payload))
        {
            FuzzTargets.Require(++packets <= frame.Length, "no more packets than bytes");
            FuzzTargets.Require(headers.Length + payload.Length <= frame.Length, "a packet is no longer than its frame");
            if (!headers.IsEmpty)
            {
                var packet = new byte[headers.Length + payload.Length];
                headers.CopyTo(packet);
                payload.CopyTo(packet.AsSpan(headers.Length));
                FuzzTargets.Require(IpHeader.TryParse(packet, out _), "every packet is a whole one");
            }
        }

        FuzzTargets.Require(packets == left, "as many packets as were told");
    }
}
