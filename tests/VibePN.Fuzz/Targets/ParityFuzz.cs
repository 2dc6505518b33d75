using VibePN.Quic.Parity;

namespace VibePN.Fuzz;

internal static class ParityFuzz
{
    private const byte FormBits = 0xc0;

    /// <summary>Covered packets and parity one after another, each behind its length.</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        var decoder = new ParityDecoder();
        try
        {
            while (!input.IsEmpty)
            {
                var length = input[0];
                input = input[1..];
                var datagram = input[..Math.Min(length, input.Length)];
                input = input[datagram.Length..];
                if (datagram.Length < ParityFormat.TrailerBytes)
                {
                    continue;
                }

                var packet = ParityFormat.IsParity(datagram) ? decoder.Solve(datagram) : decoder.Add(datagram);
                FuzzTargets.Require(packet.Length < datagram.Length, "no packet is longer than what it was made from");
                FuzzTargets.Require(packet.IsEmpty || packet.Length > ParityFormat.HeadBytes, "a packet has more than its head");
                FuzzTargets.Require(packet.IsEmpty || (packet[0] & FormBits) == ParityFormat.FixedBit, "a packet has a short header");
            }

            FuzzTargets.Require(decoder.Rebuilt <= decoder.Parity, "parity makes one packet at most");
        }
        finally
        {
            decoder.Free();
        }
    }
}
