using System.Buffers.Binary;
using System.Globalization;

namespace VibePN.Identity;

/// <summary>Names an invite: 16 random bytes, written as 32 lower-case hexadecimal digits. No secret.</summary>
public readonly record struct InviteId(UInt128 Value)
{
    public const int SizeBytes = 16;

    public InviteId(ReadOnlySpan<byte> bytes)
        : this(BinaryPrimitives.ReadUInt128BigEndian(bytes))
    {
    }

    /// <summary>Exactly 32 hexadecimal digits.</summary>
    public static bool TryParse(string? text, out InviteId id)
    {
        id = default;
        if (text is not { Length: SizeBytes * 2 } || !UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 value))
        {
            return false;
        }

        id = new InviteId(value);
        return true;
    }

    public void CopyTo(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
