using System.Net;

namespace VibePN.Linux;

/// <summary>A link in our hands: how it was found, and what was added to it. Our routes on it are known by their protocol.</summary>
/// <param name="Marker">Its alias while it is in our hands: tells it from another link that got its name and index later.</param>
/// <param name="Alias">Before.</param>
/// <param name="Mtu">Before.</param>
/// <param name="IsUp">Before.</param>
/// <param name="AddressGeneration">Before: IFLA_INET6_ADDR_GEN_MODE; null where there is no IPv6.</param>
/// <param name="Addresses">Added, or about to be, as <c>address/length</c>.</param>
internal sealed record JournalLink(
    int Index,
    string Name,
    string Marker,
    string Alias,
    int Mtu,
    bool IsUp,
    byte? AddressGeneration,
    IReadOnlyList<string> Addresses)
{
    /// <summary>Of a file that anybody may have edited.</summary>
    public bool IsValid() =>
        Index > 0 && Mtu > 0 && Name is { Length: > 0 } && Marker is { Length: > 0 } && Alias is { Length: < 256 }
        && Addresses is not null && Addresses.All(address => IsAddress(address));

    public IEnumerable<InterfaceAddress> AddressList() => Addresses.Select(Parse);

    private static bool IsAddress(string? text) =>
        text?.Split('/') is [var address, var length]
        && IPAddress.TryParse(address, out var parsed)
        && byte.TryParse(length, System.Globalization.NumberStyles.None, null, out var bits)
        && bits <= parsed.GetAddressBytes().Length * 8;

    private static InterfaceAddress Parse(string text)
    {
        var parts = text.Split('/');
        return new InterfaceAddress(IPAddress.Parse(parts[0]), byte.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }
}
