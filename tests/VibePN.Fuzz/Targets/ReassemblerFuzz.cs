using VibePN.Peers;

namespace VibePN.Fuzz;

internal static class ReassemblerFuzz
{
    /// <summary>Fragments one after another, each behind its key, its length and the tenths of a second since the last.</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        var reassembler = new Reassembler();
        ulong now = 1;
        while (input.Length >= 3)
        {
            var (key, length, wait) = (input[0] & 3, input[1], input[2] & 0x0f);
            input = input[3..];
            var fragment = input[..Math.Min(length, input.Length)];
            input = input[fragment.Length..];
            now += (ulong)wait * 100_000_000;
            var result = reassembler.Add(key, fragment, now, out var packet);
            FuzzTargets.Require(reassembler.Count <= Limits.ReassemblyPackets, "no more packets than the limit");
            FuzzTargets.Require(packet.Length <= Limits.ReassembledBytes, "no packet above the limit");
            FuzzTargets.Require(result == ReassemblyResult.Complete || packet.IsEmpty, "only a complete packet is given out");
        }

        reassembler.Expire(now + Reassembler.LifetimeNanos);
        FuzzTargets.Require(reassembler.Count == 0, "everything is forgotten in time");
        reassembler.Clear();
    }
}
