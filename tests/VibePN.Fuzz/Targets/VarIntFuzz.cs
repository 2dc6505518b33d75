using VibePN.Control;

namespace VibePN.Fuzz;

internal static class VarIntFuzz
{
    public static void Target(ReadOnlySpan<byte> input)
    {
        var bytes = VarInt.TryRead(input, out var value);
        FuzzTargets.Require(bytes <= input.Length && value <= VarInt.MaxValue, "within the input and 62 bits");
        if (bytes == 0)
        {
            return;
        }

        Span<byte> written = stackalloc byte[VarInt.MaxBytes];
        var count = VarInt.Write(written, value);
        FuzzTargets.Require(count <= bytes && count == VarInt.ByteCount(value), "the shortest form is written");
        FuzzTargets.Require(VarInt.TryRead(written[..count], out var again) == count && again == value, "what was written can be read");
    }
}
