using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace VibePN.Config;

/// <summary>
/// Addresses and prefixes as people write them. Stricter than <see cref="IPAddress.TryParse(string, out IPAddress)"/>, which takes
/// "10.1" and "0x7f.1", and scope ids.
/// </summary>
public static class IpText
{
    /// <summary>Digits and dots only: then it must be an address, and is no host name.</summary>
    internal static bool LooksLikeIPv4(string text) => text.Length > 0 && text.All(c => char.IsAsciiDigit(c) || c == '.');

    /// <summary>Four decimal numbers, or an IPv6 address without brackets or scope; never IPv4 inside IPv6.</summary>
    public static bool TryParseAddress(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        if (!IPAddress.TryParse(text, out address))
        {
            return false;
        }

        bool strict = address.AddressFamily == AddressFamily.InterNetwork
            ? address.ToString() == text
            : !text.Contains('%') && !text.Contains('[') && !address.IsIPv4MappedToIPv6;
        address = strict ? address : null;
        return strict;
    }

    /// <returns>Null when parsed, else what is wrong and what to write.</returns>
    public static string? ParsePrefix(string text, out IPNetwork prefix)
    {
        prefix = default;
        int slash = text.IndexOf('/');
        if (slash < 0)
        {
            return TryParseAddress(text, out IPAddress? alone)
                ? $"'{text}' has no prefix length; write {text}/{MaxLength(alone)} for this one address, or a network like 10.42.0.0/24"
                : $"'{text}' is no prefix; write one like 10.42.0.0/24 or fd42::/64";
        }

        if (!TryParseAddress(text[..slash], out IPAddress? address))
        {
            return $"'{text[..slash]}' is no IPv4 or IPv6 address; write a prefix like 10.42.0.0/24 or fd42::/64";
        }

        int max = MaxLength(address);
        if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length > max)
        {
            return $"'{text}': the prefix length must be a number from 0 to {max}";
        }

        IPAddress first = Mask(address, length);
        if (!first.Equals(address))
        {
            return $"'{text}' has host bits set; write {first}/{length}";
        }

        prefix = new IPNetwork(address, length);
        return null;
    }

    /// <summary>"[::]:51820", "0.0.0.0:51820", or ":51820" for all addresses; the port may be 0.</summary>
    public static bool TryParseEndPoint(string text, [NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        int colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return false;
        }

        string host = text[..colon];
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        IPAddress? address = IPAddress.IPv6Any;
        if (host.Length > 0
            && (!TryParseAddress(bracketed ? host[1..^1] : host, out address) || bracketed != (address.AddressFamily == AddressFamily.InterNetworkV6)))
        {
            return false;
        }

        endPoint = new IPEndPoint(address, port);
        return true;
    }

    public static int MaxLength(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;

    public static bool Overlap(IPNetwork a, IPNetwork b) =>
        a.BaseAddress.AddressFamily == b.BaseAddress.AddressFamily
        && (a.PrefixLength <= b.PrefixLength ? a.Contains(b.BaseAddress) : b.Contains(a.BaseAddress));

    /// <summary>
    /// Whether a host may have the address: inside, and with host bits neither all zero nor all one, which name the network and
    /// its broadcast (and IPv6's anycast of all routers). Prefixes with at most one host bit have no such addresses (RFC 3021, RFC 6164).
    /// </summary>
    public static bool IsHost(IPNetwork prefix, IPAddress address)
    {
        if (!prefix.Contains(address))
        {
            return false;
        }

        int hostBits = MaxLength(address) - prefix.PrefixLength;
        return hostBits <= 1 || !(address.Equals(prefix.BaseAddress) || address.Equals(Last(prefix)));
    }

    /// <summary>The address with all host bits set.</summary>
    public static IPAddress Last(IPNetwork prefix)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = prefix.BaseAddress.TryWriteBytes(bytes, out int count);
        for (int bit = prefix.PrefixLength; bit < count * 8; bit++)
        {
            bytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        return new IPAddress(bytes[..count]);
    }

    internal static IPAddress Mask(IPAddress address, int length)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out int count);
        for (int bit = length; bit < count * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPAddress(bytes[..count]);
    }
}
