using System.Net;

namespace VibePN.Routing;

/// <summary>An IP prefix without host bits: the first <see cref="Length"/> bits of <see cref="First"/>.</summary>
public readonly record struct Prefix : IComparable<Prefix>
{
    /// <summary>Host bits of <paramref name="address"/> are cleared.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A length that the family does not have.</exception>
    public Prefix(IpKey address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, address.Width);
        Length = length;
        First = address with { Bits = address.Bits & ~HostMask(address.Width - length) };
    }

    /// <summary>The lowest address, also called the network address.</summary>
    public IpKey First { get; }

    public int Length { get; }

    /// <summary>The highest address; in IPv4 the broadcast address.</summary>
    public IpKey Last => First with { Bits = First.Bits | HostMask(First.Width - Length) };

    /// <summary>True for a /32 or /128.</summary>
    public bool IsHost => Length == First.Width;

    public static Prefix Host(IpKey address) => new(address, address.Width);

    public static Prefix FromIPNetwork(IPNetwork network) => new(IpKey.FromIPAddress(network.BaseAddress), network.PrefixLength);

    public IPNetwork ToIPNetwork() => new(First.ToIPAddress(), Length);

    public bool Contains(IpKey address) =>
        address.IsV6 == First.IsV6 && (address.Bits & ~HostMask(First.Width - Length)) == First.Bits;

    /// <summary>True where <paramref name="other"/> is this prefix or a more specific one.</summary>
    public bool Contains(Prefix other) => other.Length >= Length && Contains(other.First);

    public bool Overlaps(Prefix other) => Contains(other) || other.Contains(this);

    /// <summary>
    /// An address that no host may have: the first and last of a prefix. A prefix of at most two addresses has none of them (RFC 3021, RFC 6164).
    /// </summary>
    public bool IsReserved(IpKey address) =>
        First.Width - Length > 1 && (address == First || address == Last);

    public int CompareTo(Prefix other)
    {
        var order = First.CompareTo(other.First);
        return order != 0 ? order : Length.CompareTo(other.Length);
    }

    public override string ToString() => $"{First}/{Length}";

    private static UInt128 HostMask(int hostBits) => hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
}
