using System.Net;
using System.Net.Sockets;

namespace VibePN.Identity;

/// <summary>Which addresses of a third node are worth passing on, and worth dialing when somebody else names them.</summary>
public static class DialableAddress
{
    /// <summary>What is good on this host or this link only, or for several hosts, or leads into the VPN itself (RFC 6890).</summary>
    private static readonly IPNetwork[] s_never =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("224.0.0.0/3"),
        IPNetwork.Parse("::/127"), IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("ff00::/8"),
    ];

    /// <summary>Those that are, each once, IPv4 as IPv4.</summary>
    /// <param name="inside">Prefixes of the node's own networks.</param>
    public static IReadOnlyList<IPEndPoint> Filter(IEnumerable<IPEndPoint> found, IReadOnlyList<IPNetwork> inside)
    {
        List<IPEndPoint> good = [];
        foreach (IPEndPoint one in found)
        {
            IPEndPoint at = one.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(one.Address.MapToIPv4(), one.Port) : one;
            if (at.Port != 0 && good.Count < Limits.AddressesPerPeer && !good.Contains(at) && !Array.Exists(s_never, prefix => Contains(prefix, at.Address))
                && !inside.Any(prefix => Contains(prefix, at.Address)))
            {
                good.Add(at);
            }
        }

        return good;
    }

    private static bool Contains(IPNetwork prefix, IPAddress address) =>
        prefix.BaseAddress.AddressFamily == address.AddressFamily && address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 && prefix.Contains(address);
}
