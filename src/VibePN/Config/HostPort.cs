using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace VibePN.Config;

/// <summary>Where a peer is dialed: a host name or an address, and a port from 1. An IPv6 address is kept without brackets.</summary>
public readonly record struct HostPort(string Host, ushort Port)
{
    /// <summary>The host when it is an address, else null: then it has to be resolved.</summary>
    public IPAddress? Literal => IPAddress.TryParse(Host, out IPAddress? address) ? address : null;

    /// <returns>Null when parsed, else what is wrong.</returns>
    public static string? Parse(string text, out HostPort parsed)
    {
        parsed = default;
        int colon = text.LastIndexOf(':');
        if (colon < 0)
        {
            return $"'{text}' has no port; write HOST:PORT";
        }

        string host = text[..colon];
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is < 1 or > 65535)
        {
            return $"'{text}' needs a port from 1 to 65535 after the last colon";
        }

        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            if (!IPAddress.TryParse(host, out IPAddress? address) || address.AddressFamily != AddressFamily.InterNetworkV6)
            {
                return $"'{host}' in brackets is no IPv6 address";
            }
        }
        else if (host.Contains(':'))
        {
            return $"'{text}': write an IPv6 address in brackets, like [2001:db8::1]:{port}";
        }
        else if (IpText.LooksLikeIPv4(host) ? !IpText.TryParseAddress(host, out _) : !IsHostName(host))
        {
            return $"'{host}' is neither a host name nor an address";
        }

        parsed = new HostPort(host, (ushort)port);
        return null;
    }

    /// <summary>RFC 1123 §2.1, and underscores, which some resolvers serve.</summary>
    private static bool IsHostName(string host)
    {
        if (host.Length is 0 or > 253)
        {
            return false;
        }

        foreach (string label in (host.EndsWith('.') ? host[..^1] : host).Split('.'))
        {
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-'
                || !label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            {
                return false;
            }
        }

        return true;
    }

    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
