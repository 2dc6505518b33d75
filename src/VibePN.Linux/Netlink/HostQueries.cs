using System.Net;
using System.Text;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>Reads the host's links, addresses and routes.</summary>
internal static class HostQueries
{
    /// <summary>What a link is like.</summary>
    /// <param name="IsTransient">A TUN that goes away with the process that opened it, and everything on it.</param>
    public sealed record Link(int Index, string Name, int Mtu, bool IsUp, byte? AddressGeneration, string Alias, bool IsTransient);

    /// <returns>Null: no such interface.</returns>
    public static Link? FindLink(NetlinkSocket netlink, int index)
    {
        Link? found = null;
        var request = NetlinkRequest.Create(NetlinkConstants.RTM_GETLINK, 0, new Ifinfomsg { ifi_index = index });
        try
        {
            netlink.Dump(request, "read interface", () => found = null, (in NetlinkMessage message) => found = ReadLink(message) ?? found);
        }
        catch (LinuxException e) when (e.ErrorNumber is Errno.ENODEV or Errno.ENXIO)
        {
            return null;
        }

        return found;
    }

    public static List<HostLink> ReadLinks(NetlinkSocket netlink)
    {
        var found = new List<HostLink>();
        var request = NetlinkRequest.Create(NetlinkConstants.RTM_GETLINK, NetlinkConstants.NLM_F_DUMP, default(Ifinfomsg));
        netlink.Dump(request, "read interfaces", found.Clear, (in NetlinkMessage message) =>
        {
            if (ReadLink(message) is { } link)
            {
                found.Add(new HostLink(link.Index, link.Name, link.Mtu, link.IsUp));
            }
        });
        return found;
    }

    /// <param name="index">0: all interfaces.</param>
    public static List<HostAddress> ReadAddresses(NetlinkSocket netlink, int index)
    {
        var found = new List<HostAddress>();
        var header = new Ifaddrmsg { ifa_index = (uint)index };
        var request = NetlinkRequest.Create(NetlinkConstants.RTM_GETADDR, NetlinkConstants.NLM_F_DUMP, header);
        try
        {
            netlink.Dump(request, "read addresses", found.Clear, (in NetlinkMessage message) =>
            {
                if (ReadAddress(message) is { } address && (index == 0 || address.InterfaceIndex == index))
                {
                    found.Add(address);
                }
            });
        }
        catch (LinuxException e) when (e.ErrorNumber == Errno.ENODEV)
        {
            found.Clear();
        }

        return found;
    }

    /// <summary>Unicast routes of the main table and of ours, both families.</summary>
    public static List<HostRoute> ReadRoutes(NetlinkSocket netlink)
    {
        var found = new List<HostRoute>();
        foreach (var family in new[] { SocketConstants.AF_INET, SocketConstants.AF_INET6 })
        {
            var before = found.Count;
            var header = new Rtmsg { rtm_family = (byte)family };
            var request = NetlinkRequest.Create(NetlinkConstants.RTM_GETROUTE, NetlinkConstants.NLM_F_DUMP, header);
            netlink.Dump(
                request,
                "read routes",
                () => found.RemoveRange(before, found.Count - before),
                (in NetlinkMessage message) =>
                {
                    if (ReadRoute(message) is { } route)
                    {
                        found.Add(route);
                    }
                });
        }

        return found;
    }

    public static (HostPath? Path, int Errno) FindPath(NetlinkSocket netlink, IPAddress destination)
    {
        // IPv6 tells the table anyway, and refuses to be asked for it.
        var isV4 = destination.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        var table = isV4 ? NetlinkConstants.RTM_F_LOOKUP_TABLE : 0;
        var (path, errno) = Ask(table);
        if (path is null)
        {
            return (null, errno);
        }

        // A second question, because the first is answered with the destination alone.
        var (match, _) = Ask(table | NetlinkConstants.RTM_F_FIB_MATCH);
        return (path with { Prefix = match?.Prefix }, 0);

        (HostPath? Path, int Errno) Ask(uint flags)
        {
            HostPath? found = null;
            var header = new Rtmsg
            {
                rtm_family = (byte)(isV4 ? SocketConstants.AF_INET : SocketConstants.AF_INET6),
                rtm_dst_len = (byte)(isV4 ? 32 : 128),
                rtm_flags = flags,
            };
            var request = NetlinkRequest.Create(NetlinkConstants.RTM_GETROUTE, 0, header).Add(NetlinkConstants.RTA_DST, destination);
            try
            {
                netlink.Dump(request, "look up route", () => found = null, (in NetlinkMessage message) => found = ReadPath(message) ?? found);
            }
            catch (LinuxException e) when (e.ErrorNumber is Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.EINVAL or Errno.EACCES)
            {
                // Nowhere, and by which kind of route: none, unreachable, blackhole, prohibit.
                return (null, e.ErrorNumber);
            }

            return (found, found is null ? Errno.ENETUNREACH : 0);
        }
    }

    internal static HostPath? ReadPath(in NetlinkMessage message)
    {
        if (message.Header.nlmsg_type != NetlinkConstants.RTM_NEWROUTE || !message.TryReadBody(out Rtmsg header, out var attributes))
        {
            return null;
        }

        var destination = header.rtm_family == SocketConstants.AF_INET ? IPAddress.Any : IPAddress.IPv6Any;
        var path = new HostPath(0, null, null, null, header.rtm_table, null, header.rtm_type == NetlinkConstants.RTN_LOCAL);
        foreach (var attribute in attributes)
        {
            switch (attribute.Type)
            {
                case NetlinkConstants.RTA_TABLE:
                    path = path with { Table = attribute.UInt32 };
                    break;
                case NetlinkConstants.RTA_DST:
                    destination = ReadIPAddress(attribute.Value, header.rtm_family) ?? destination;
                    break;
                case NetlinkConstants.RTA_GATEWAY:
                    path = path with { Gateway = ReadIPAddress(attribute.Value, header.rtm_family) };
                    break;
                case NetlinkConstants.RTA_PREFSRC:
                    path = path with { Source = ReadIPAddress(attribute.Value, header.rtm_family) };
                    break;
                case NetlinkConstants.RTA_OIF:
                    path = path with { InterfaceIndex = (int)attribute.UInt32 };
                    break;
                case NetlinkConstants.RTA_METRICS:
                    path = path with { Mtu = ReadMtu(attribute.Nested) };
                    break;
                default:
                    break;
            }
        }

        return IsPrefix(destination, header.rtm_dst_len) ? path with { Prefix = new IPNetwork(destination, header.rtm_dst_len) } : path;
    }

    internal static Link? ReadLink(in NetlinkMessage message)
    {
        if (message.Header.nlmsg_type != NetlinkConstants.RTM_NEWLINK || !message.TryReadBody(out Ifinfomsg link, out var attributes))
        {
            return null;
        }

        var name = string.Empty;
        var mtu = 0;
        byte? generation = null;
        var alias = string.Empty;
        var isTransient = false;
        foreach (var attribute in attributes)
        {
            switch (attribute.Type)
            {
                case NetlinkConstants.IFLA_IFNAME:
                    name = ReadText(attribute);
                    break;
                case NetlinkConstants.IFLA_IFALIAS:
                    alias = ReadText(attribute);
                    break;
                case NetlinkConstants.IFLA_LINKINFO:
                    isTransient = IsTransientTun(attribute.Nested);
                    break;
                case NetlinkConstants.IFLA_MTU:
                    mtu = (int)Math.Min(attribute.UInt32, int.MaxValue);
                    break;
                case NetlinkConstants.IFLA_AF_SPEC:
                    generation = ReadAddressGeneration(attribute.Nested);
                    break;
                default:
                    break;
            }
        }

        return new Link(link.ifi_index, name, mtu, (link.ifi_flags & NetlinkConstants.IFF_UP) != 0, generation, alias, isTransient);
    }

    internal static HostAddress? ReadAddress(in NetlinkMessage message)
    {
        if (message.Header.nlmsg_type != NetlinkConstants.RTM_NEWADDR || !message.TryReadBody(out Ifaddrmsg header, out var attributes))
        {
            return null;
        }

        // IFA_LOCAL is the own address where the interface is point-to-point; IFA_ADDRESS then is the other end.
        IPAddress? local = null;
        IPAddress? address = null;
        foreach (var attribute in attributes)
        {
            if (attribute.Type == NetlinkConstants.IFA_LOCAL)
            {
                local = ReadIPAddress(attribute.Value, header.ifa_family);
            }
            else if (attribute.Type == NetlinkConstants.IFA_ADDRESS)
            {
                address = ReadIPAddress(attribute.Value, header.ifa_family);
            }
        }

        return (local ?? address) is { } own
            ? new HostAddress((int)header.ifa_index, new InterfaceAddress(own, header.ifa_prefixlen))
            : null;
    }

    internal static HostRoute? ReadRoute(in NetlinkMessage message)
    {
        if (message.Header.nlmsg_type != NetlinkConstants.RTM_NEWROUTE || !message.TryReadBody(out Rtmsg header, out var attributes)
            || header.rtm_type != NetlinkConstants.RTN_UNICAST || (header.rtm_flags & NetlinkConstants.RTM_F_CLONED) != 0)
        {
            return null;
        }

        uint table = header.rtm_table;
        var destination = header.rtm_family == SocketConstants.AF_INET ? IPAddress.Any : IPAddress.IPv6Any;
        IPAddress? gateway = null;
        var index = 0;
        uint metric = 0;
        int? mtu = null;
        foreach (var attribute in attributes)
        {
            switch (attribute.Type)
            {
                case NetlinkConstants.RTA_TABLE:
                    table = attribute.UInt32;
                    break;
                case NetlinkConstants.RTA_DST:
                    destination = ReadIPAddress(attribute.Value, header.rtm_family);
                    break;
                case NetlinkConstants.RTA_GATEWAY:
                    gateway = ReadIPAddress(attribute.Value, header.rtm_family);
                    break;
                case NetlinkConstants.RTA_OIF:
                    index = (int)attribute.UInt32;
                    break;
                case NetlinkConstants.RTA_PRIORITY:
                    metric = attribute.UInt32;
                    break;
                case NetlinkConstants.RTA_METRICS:
                    mtu = ReadMtu(attribute.Nested);
                    break;
                default:
                    break;
            }
        }

        if (table is not (NetlinkConstants.RT_TABLE_MAIN or HostNetwork.GuardedTable) || destination is null || !IsPrefix(destination, header.rtm_dst_len))
        {
            return null;
        }

        var prefix = new IPNetwork(destination, header.rtm_dst_len);
        return new HostRoute(index, prefix, gateway, unchecked((int)metric), mtu, header.rtm_protocol)
        {
            IsGuarded = table == HostNetwork.GuardedTable,
        };
    }

    private static bool IsPrefix(IPAddress address, int length) =>
        length <= (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128)
        && Equals(new IPNetwork(Mask(address, length), length).BaseAddress, address);

    private static IPAddress Mask(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var bits = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xff << (8 - bits));
        }

        return new IPAddress(bytes);
    }

    private static string ReadText(NetlinkAttribute attribute) => Encoding.UTF8.GetString(attribute.Value.TrimEnd((byte)0));

    /// <summary>Kernels before 4.17 do not say: taken for one that stays.</summary>
    private static bool IsTransientTun(NetlinkAttributes information)
    {
        var isTun = false;
        foreach (var attribute in information)
        {
            if (attribute.Type == NetlinkConstants.IFLA_INFO_KIND)
            {
                isTun = ReadText(attribute) == "tun";
            }
            else if (attribute.Type == NetlinkConstants.IFLA_INFO_DATA && isTun)
            {
                foreach (var property in attribute.Nested)
                {
                    if (property.Type == NetlinkConstants.IFLA_TUN_PERSIST && property.Value.Length == 1)
                    {
                        return property.Value[0] == 0;
                    }
                }
            }
        }

        return false;
    }

    private static byte? ReadAddressGeneration(NetlinkAttributes families)
    {
        foreach (var family in families)
        {
            if (family.Type != SocketConstants.AF_INET6)
            {
                continue;
            }

            foreach (var attribute in family.Nested)
            {
                if (attribute.Type == NetlinkConstants.IFLA_INET6_ADDR_GEN_MODE && attribute.Value.Length == 1)
                {
                    return attribute.Value[0];
                }
            }
        }

        return null;
    }

    private static int? ReadMtu(NetlinkAttributes metrics)
    {
        foreach (var metric in metrics)
        {
            if (metric.Type == NetlinkConstants.RTAX_MTU)
            {
                return (int)Math.Min(metric.UInt32, int.MaxValue);
            }
        }

        return null;
    }

    private static IPAddress? ReadIPAddress(ReadOnlySpan<byte> bytes, byte family) =>
        bytes.Length == (family == SocketConstants.AF_INET ? 4 : 16) ? new IPAddress(bytes) : null;
}
