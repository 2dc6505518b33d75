using System.Net;

namespace VibePN.Metrics;

/// <summary>
/// Whether a request means this host. A page of somebody else may point its own name at our address (DNS rebinding) and read answers as if they
/// were its own; the name in the request then is that one.
/// </summary>
public static class HostHeader
{
    /// <param name="host">Without the port; IPv6 with or without brackets.</param>
    /// <param name="local">The address that the request came to.</param>
    /// <param name="hostName">Of this host.</param>
    public static bool MeansThisHost(string host, IPAddress? local, string hostName)
    {
        var name = host.EndsWith('.') ? host[..^1] : host;
        if (name.Length == 0)
        {
            return false;
        }

        var literal = name.StartsWith('[') && name.EndsWith(']') ? name[1..^1] : name;
        if (IPAddress.TryParse(literal, out var address))
        {
            return IPAddress.IsLoopback(address) || (local is not null && Plain(address).Equals(Plain(local)));
        }

        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name.Equals(hostName, StringComparison.OrdinalIgnoreCase);
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
