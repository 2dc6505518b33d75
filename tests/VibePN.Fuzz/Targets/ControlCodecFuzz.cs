using System.Buffers;
using VibePN.Control;

namespace VibePN.Fuzz;

internal static class ControlCodecFuzz
{
    public static void Target(ReadOnlySpan<byte> input)
    {
        ControlMessage? message;
        try
        {
            var read = ControlCodec.TryRead(input, out message);
            FuzzTargets.Require(read >= 0 && read <= input.Length, "no more is consumed than is there");
        }
        catch (ControlException)
        {
            return;
        }

        if (message is null)
        {
            return;
        }

        // What was read can be written and read again, and then is the same bytes.
        var first = Encode(message);
        FuzzTargets.Require(ControlCodec.TryRead(first, out var again) == first.Length && again is not null, "what was written can be read");
        FuzzTargets.Require(first.AsSpan().SequenceEqual(Encode(again!)), "a second round trip changes nothing");
    }

    private static byte[] Encode(ControlMessage message)
    {
        var writer = new ArrayBufferWriter<byte>();
        ControlCodec.Write(writer, message);
        return writer.WrittenSpan.ToArray();
    }
}
