using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace VibePN.Control;

/// <summary>Variable-length integers of 1, 2, 4 or 8 bytes (RFC 9000 §16). Longer encodings than needed are accepted.</summary>
internal static class VarInt
{
    public const ulong MaxValue = (1UL << 62) - 1;
    public const int MaxBytes = 8;

    public static int ByteCount(ulong value) => value switch
    {
        < 1UL << 6 => 1,
        < 1UL << 14 => 2,
        < 1UL << 30 => 4,
        _ => 8,
    };

    /// <returns>Bytes read; 0 when <paramref name="source"/> is too short.</returns>
    public static int TryRead(ReadOnlySpan<byte> source, out ulong value)
    {
        value = 0;
        if (source.IsEmpty)
        {
            return 0;
        }

        var bytes = 1 << (source[0] >> 6);
        if (source.Length < bytes)
        {
            return 0;
        }

        value = bytes switch
        {
            1 => source[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(source) & 0x3fffu,
            4 => BinaryPrimitives.ReadUInt32BigEndian(source) & 0x3fff_ffffu,
            _ => BinaryPrimitives.ReadUInt64BigEndian(source) & MaxValue,
        };
        return bytes;
    }

    /// <param name="destination">At least <see cref="ByteCount"/> bytes.</param>
    /// <param name="value">At most <see cref="MaxValue"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, ulong value)
    {
        switch (ByteCount(value))
        {
            case 1:
                destination[0] = (byte)value;
                return 1;
            case 2:
                BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)(value | 0x4000));
                return 2;
            case 4:
                BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)value | 0x8000_0000);
                return 4;
            default:
                if (value > MaxValue)
                {
                    ThrowTooLarge(value);
                }

                BinaryPrimitives.WriteUInt64BigEndian(destination, value | 0xc000_0000_0000_0000);
                return 8;
        }
    }

    public static void Write(IBufferWriter<byte> writer, ulong value) => writer.Advance(Write(writer.GetSpan(MaxBytes), value));

    [DoesNotReturn]
    private static void ThrowTooLarge(ulong value) => throw new ArgumentOutOfRangeException(nameof(value), value, "a variable-length integer has 62 bits");
}
