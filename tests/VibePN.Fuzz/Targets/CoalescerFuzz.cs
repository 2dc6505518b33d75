using VibePN.Linux;

namespace VibePN.Fuzz;

internal static class CoalescerFuzz
{
    private static readonly Coalescer Small = new(4, tcp: true, udp: true);

    /// <summary>Packets one after another, each behind its length and a byte whose lowest bit says "checksum is partial".</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        Small.Clear();
        var bytesIn = 0;
        while (input.Length >= 2)
        {
            var length = Math.Min((int)input[0], input.Length - 2);
            var packet = input.Slice(2, length);
            var partial = (input[1] & 1) != 0;
            input = input[(2 + length)..];
            if (Small.Add(packet, partial) == CoalesceResult.Ok)
            {
                bytesIn += length;
            }
        }

        var bytesOut = 0;
        for (var i = 0; i < Small.Count; i++)
        {
            var frame = Small[i];
            bytesOut += frame.Packet.Length;
            FuzzTargets.Require(IpHeader.TryParse(frame.Packet, out _), "every frame is a whole packet");
        }

        FuzzTargets.Require(bytesOut <= bytesIn, "nothing is added");
    }
}
