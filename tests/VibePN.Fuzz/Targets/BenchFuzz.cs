using System.Buffers.Binary;
using VibePN.Doctor.Bench;

namespace VibePN.Fuzz;

internal static class BenchFuzz
{
    /// <summary>The input as a record, and cut into datagrams of one run.</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        if (BenchMessage.TryRead(input) is { } message)
        {
            var written = message.Write();
            FuzzTargets.Require(BenchMessage.TryRead(written) is not null && written.AsSpan().SequenceEqual(BenchMessage.TryRead(written)!.Write()), "what was written can be read, and is the same");
            FuzzTargets.Require(!message.IsRunnable || (message.Millis <= BenchMessage.MaxMillis && message.RateKilobits <= BenchMessage.MaxRateKilobits && message.DatagramBytes <= BenchMessage.MaxDatagramBytes), "what may be asked is bounded");
            FuzzTargets.Require(BenchEnds.FlagsOf(BenchEnds.OfMessage(message)) == (message.Flags & (BenchFlags)((message.Flags & BenchFlags.RepairKnown) == 0 ? 31 : 63)), "flags go both ways");
        }

        UdpMeter meter = new();
        var token = input.Length >= 24 ? input.Slice(8, BenchMessage.TokenBytes) : new byte[BenchMessage.TokenBytes];
        _ = BenchDatagram.TryRead(input, token);
        for (var at = 0; at + 20 <= input.Length; at += 4)
        {
            meter.Add(BinaryPrimitives.ReadUInt32BigEndian(input[at..]), BinaryPrimitives.ReadInt64BigEndian(input[(at + 4)..]), BinaryPrimitives.ReadInt64BigEndian(input[(at + 12)..]), 64);
        }

        FuzzTargets.Require(meter.Packets <= input.Length / 4 && meter.Reordered <= meter.Packets && meter.JitterMicros is >= 0 and <= 60_000_000, "counts are of what came");
    }
}
