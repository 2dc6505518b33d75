using System.Buffers.Binary;
using System.Net;

namespace VibePN.Routing;

/// <summary>An IPv4 or IPv6 address as a number: what routing compares. IPv4 uses the low 32 bits.</summary>
public readonly record struct IpKey(UInt128 Bits, bool IsV6) : IComparable<IpKey>
{
    /// <summary>Bits of an address of this family: 32 or 128.</summary>
    public int Width => IsV6 ? 128 : 32;

    /// <summary>Bytes of an address of this family: 4 or 16.</summary>
    public int ByteCount => Width / 8;

    /// <param name="address">4 or 16 bytes in network order.</param>
    /// <exception cref="ArgumentException">Any other length.</exception>
    public static IpKey FromBytes(ReadOnlySpan<byte> address) => address.Length switch
    {
        4 => new IpKey(BinaryPrimitives.ReadUInt32BigEndian(address), false),
        16 => new IpKey(BinaryPrimitives.ReadUInt128BigEndian(address), true),
        _ => throw new ArgumentException("an IP address has 4 or 16 bytes", nameof(address)),
    };

    public static IpKey FromIPAddress(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return FromBytes(bytes[..written]);
    }

    /// <summary>Writes <see cref="ByteCount"/> bytes in network order.</summary>
    public void CopyTo(Span<byte> destination)
    {
        if (IsV6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(destination, Bits);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)Bits);
        }
    }

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        CopyTo(bytes);
        return new IPAddress(bytes[..ByteCount]);
    }

    /// <summary>IPv4 before IPv6, then by number.</summary>
    public int CompareTo(IpKey other) => IsV6 != other.IsV6 ? IsV6.CompareTo(other.IsV6) : Bits.CompareTo(other.Bits);

    public override string ToString() => ToIPAddress().ToString();
}
