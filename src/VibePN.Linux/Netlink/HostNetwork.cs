using System.Net.Sockets;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// Keeps the host's network as desired, by rtnetlink. Each <see cref="Apply"/> reads what our interfaces have and changes only the
/// differences. One thread at a time; not the loop's, because the kernel may take milliseconds.
/// </summary>
/// <remarks>
/// The interfaces are TUNs that go away with the process, and everything of ours hangs on them: after a crash nothing is left. What will
/// outlive them (rules, forwarding, DNS) must be written to a journal here before it is applied.
/// </remarks>
public sealed class HostNetwork : IDisposable
{
    /// <summary>The number that marks our routes (<c>rtm_protocol</c>).</summary>
    public const byte RouteProtocol = 201;

    private const int DefaultV6Metric = 1024;

    private readonly NetlinkSocket _netlink = new();
    private readonly Dictionary<int, string> _managed = [];

    /// <exception cref="LinuxException"/>
    public HostNetwork()
    {
    }

    /// <summary>Makes the host's network as desired. Links of an earlier call that are not named any more lose what they have.</summary>
    /// <exception cref="LinuxException">The first thing that failed; the rest was tried nevertheless.</exception>
    public void Apply(HostState desired)
    {
        ArgumentNullException.ThrowIfNull(desired);
        var failures = new List<LinuxException>();
        var named = desired.Links.Select(link => link.Index).ToHashSet();
        foreach (var (index, name) in _managed.Where(link => !named.Contains(link.Key)).ToList())
        {
            Attempt(failures, () => Release(index, name, failures));
            _managed.Remove(index);
        }

        foreach (var link in desired.Links)
        {
            _managed[link.Index] = link.Name;
            Attempt(failures, () => ApplyLink(link, failures));
        }

        if (failures.Count > 0)
        {
            throw failures[0];
        }
    }

    /// <returns>0: no such interface.</returns>
    public static int InterfaceIndex(string name) => (int)Libc.if_nametoindex(name);

    /// <summary>The addresses of all interfaces of the host.</summary>
    /// <exception cref="LinuxException"/>
    public IReadOnlyList<HostAddress> Addresses() => HostQueries.ReadAddresses(_netlink, index: 0);

    /// <summary>The unicast routes of the main table.</summary>
    /// <exception cref="LinuxException"/>
    public IReadOnlyList<HostRoute> Routes() => HostQueries.ReadRoutes(_netlink);

    public void Dispose() => _netlink.Dispose();

    private static void Attempt(List<LinuxException> failures, Action action)
    {
        try
        {
            action();
        }
        catch (LinuxException e)
        {
            failures.Add(e);
        }
    }

    private void ApplyLink(LinkState desired, List<LinuxException> failures)
    {
        var link = HostQueries.FindLink(_netlink, desired.Index);
        if (link is null || link.Name != desired.Name)
        {
            throw new LinuxException($"configure interface {desired.Name}", Errno.ENODEV, "the interface is gone or was renamed");
        }

        Attempt(failures, () => ApplyLinkSettings(desired, link));
        Attempt(failures, () => ApplyAddresses(desired, failures));
        if (desired.Up)
        {
            Attempt(failures, () => ApplyRoutes(desired, failures));
        }
    }

    private void ApplyLinkSettings(LinkState desired, HostQueries.Link present)
    {
        if (present.AddressGeneration is { } mode && mode != NetlinkConstants.IN6_ADDR_GEN_MODE_NONE)
        {
            // Keeps the interface silent: no link-local address, no router solicitations. To be set before it comes up.
            var silence = NetlinkRequest
                .Create(NetlinkConstants.RTM_NEWLINK, NetlinkConstants.NLM_F_ACK, new Ifinfomsg { ifi_index = desired.Index })
                .Nest(NetlinkConstants.IFLA_AF_SPEC, spec => spec.Nest(SocketConstants.AF_INET6, v6 =>
                    v6.Add(NetlinkConstants.IFLA_INET6_ADDR_GEN_MODE, NetlinkConstants.IN6_ADDR_GEN_MODE_NONE)));
            Change(silence, $"switch off IPv6 address generation on {desired.Name}", ignore: Errno.EAFNOSUPPORT);
        }

        if (present.Mtu == desired.Mtu && present.IsUp == desired.Up)
        {
            return;
        }

        var header = new Ifinfomsg
        {
            ifi_index = desired.Index,
            ifi_flags = desired.Up ? NetlinkConstants.IFF_UP : 0,
            ifi_change = NetlinkConstants.IFF_UP,
        };
        var request = NetlinkRequest.Create(NetlinkConstants.RTM_NEWLINK, NetlinkConstants.NLM_F_ACK, header);
        if (present.Mtu != desired.Mtu)
        {
            request.Add(NetlinkConstants.IFLA_MTU, (uint)desired.Mtu);
        }

        Change(request, $"set MTU {desired.Mtu} and {(desired.Up ? "up" : "down")} on {desired.Name}");
    }

    private void ApplyAddresses(LinkState desired, List<LinuxException> failures)
    {
        foreach (var extra in PresentAddresses(desired.Index).Where(address => !desired.Addresses.Contains(address)))
        {
            Attempt(failures, () => ChangeAddress(desired.Index, desired.Name, extra, isAdd: false));
        }

        // Read again: with an IPv4 primary the kernel also removes its secondaries.
        var present = PresentAddresses(desired.Index);
        foreach (var missing in desired.Addresses.Where(address => !present.Contains(address)))
        {
            Attempt(failures, () => ChangeAddress(desired.Index, desired.Name, missing, isAdd: true));
        }
    }

    private void ApplyRoutes(LinkState desired, List<LinuxException> failures)
    {
        var present = OurRoutes(desired.Index);
        var wanted = desired.Routes.Select(Normalize).ToList();
        foreach (var extra in present.Where(route => !wanted.Exists(w => IsSameKey(w, route))))
        {
            Attempt(failures, () => ChangeRoute(desired.Index, desired.Name, extra, NetlinkConstants.RTM_DELROUTE, 0));
        }

        foreach (var route in wanted.Where(w => !present.Contains(w)))
        {
            // Replaced only where it is ours; a route of somebody else to the same destination is an error, not ours to overwrite.
            var isOurs = present.Exists(p => IsSameKey(p, route));
            var flags = NetlinkConstants.NLM_F_CREATE | (isOurs ? NetlinkConstants.NLM_F_REPLACE : NetlinkConstants.NLM_F_EXCL);
            Attempt(failures, () => ChangeRoute(desired.Index, desired.Name, route, NetlinkConstants.RTM_NEWROUTE, (ushort)flags));
        }
    }

    /// <summary>Takes back addresses and routes of a link that is not ours any more.</summary>
    private void Release(int index, string name, List<LinuxException> failures)
    {
        if (HostQueries.FindLink(_netlink, index)?.Name != name)
        {
            return;
        }

        foreach (var route in OurRoutes(index))
        {
            Attempt(failures, () => ChangeRoute(index, name, route, NetlinkConstants.RTM_DELROUTE, 0));
        }

        foreach (var address in PresentAddresses(index))
        {
            Attempt(failures, () => ChangeAddress(index, name, address, isAdd: false));
        }
    }

    /// <summary>Without IPv6 link-local addresses: those come and go on their own.</summary>
    private List<InterfaceAddress> PresentAddresses(int index) =>
        [.. HostQueries.ReadAddresses(_netlink, index).Select(a => a.Address).Where(a => !a.Address.IsIPv6LinkLocal)];

    private List<RouteState> OurRoutes(int index) =>
        [.. HostQueries.ReadRoutes(_netlink)
            .Where(route => route.Protocol == RouteProtocol && route.InterfaceIndex == index)
            .Select(route => new RouteState(route.Destination, route.Mtu, route.Metric))];

    private static RouteState Normalize(RouteState route) =>
        route with { Metric = IsV4(route) ? route.Metric ?? 0 : route.Metric is null or 0 ? DefaultV6Metric : route.Metric };

    private static bool IsV4(RouteState route) => route.Destination.BaseAddress.AddressFamily == AddressFamily.InterNetwork;

    private static bool IsSameKey(RouteState a, RouteState b) => a.Destination.Equals(b.Destination) && a.Metric == b.Metric;

    private void ChangeAddress(int index, string name, InterfaceAddress address, bool isAdd)
    {
        var isV4 = address.Address.AddressFamily == AddressFamily.InterNetwork;
        var header = new Ifaddrmsg
        {
            ifa_family = (byte)(isV4 ? SocketConstants.AF_INET : SocketConstants.AF_INET6),
            ifa_prefixlen = (byte)address.PrefixLength,
            ifa_index = (uint)index,
        };
        var type = isAdd ? NetlinkConstants.RTM_NEWADDR : NetlinkConstants.RTM_DELADDR;
        var flags = NetlinkConstants.NLM_F_ACK | (isAdd ? NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_EXCL : 0);
        var request = NetlinkRequest.Create(type, (ushort)flags, header)
            .Add(NetlinkConstants.IFA_LOCAL, address.Address)
            .Add(NetlinkConstants.IFA_ADDRESS, address.Address);
        if (isAdd && !isV4)
        {
            // Nobody else can have it on a TUN: usable at once.
            request.Add(NetlinkConstants.IFA_FLAGS, NetlinkConstants.IFA_F_NODAD);
        }

        var operation = $"{(isAdd ? "add" : "remove")} address {address} on {name}";
        Change(request, operation, ignore: isAdd ? Errno.EEXIST : Errno.EADDRNOTAVAIL, cures: errno => errno switch
        {
            Errno.EACCES or Errno.EAFNOSUPPORT or Errno.EOPNOTSUPP when !isV4 =>
                "IPv6 is switched off: sysctl net.ipv6.conf.all.disable_ipv6=0, or use IPv4 only in the network",
            _ => null,
        });
    }

    private void ChangeRoute(int index, string name, RouteState route, ushort type, ushort flags)
    {
        var isV4 = IsV4(route);
        var isAdd = type == NetlinkConstants.RTM_NEWROUTE;
        var header = new Rtmsg
        {
            rtm_family = (byte)(isV4 ? SocketConstants.AF_INET : SocketConstants.AF_INET6),
            rtm_dst_len = (byte)route.Destination.PrefixLength,
            rtm_table = NetlinkConstants.RT_TABLE_MAIN,
            rtm_protocol = RouteProtocol,
            rtm_scope = isV4 ? NetlinkConstants.RT_SCOPE_LINK : NetlinkConstants.RT_SCOPE_UNIVERSE,
            rtm_type = NetlinkConstants.RTN_UNICAST,
        };
        var request = NetlinkRequest.Create(type, (ushort)(flags | NetlinkConstants.NLM_F_ACK), header)
            .Add(NetlinkConstants.RTA_DST, route.Destination.BaseAddress)
            .Add(NetlinkConstants.RTA_OIF, (uint)index);
        if (route.Metric is { } metric and not 0)
        {
            request.Add(NetlinkConstants.RTA_PRIORITY, unchecked((uint)metric));
        }

        if (isAdd && route.Mtu is { } mtu)
        {
            request.Nest(NetlinkConstants.RTA_METRICS, metrics => metrics.Add(NetlinkConstants.RTAX_MTU, (uint)mtu));
        }

        var operation = $"{(isAdd ? "add" : "remove")} route {route.Destination} on {name}";
        Change(request, operation, ignore: isAdd ? 0 : Errno.ESRCH, cures: errno => errno switch
        {
            Errno.EEXIST => "another route to this destination exists; remove it or use another prefix",
            _ => null,
        });
    }

    private void Change(NetlinkRequest request, string operation, int ignore = 0, Func<int, string?>? cures = null)
    {
        var (errno, text) = _netlink.Change(request);
        if (errno == 0 || errno == ignore)
        {
            return;
        }

        var cure = errno == Errno.EPERM
            ? "this needs CAP_NET_ADMIN: run as root or give the program that capability"
            : cures?.Invoke(errno);
        throw new LinuxException(text is null ? operation : $"{operation} ({text})", errno, cure);
    }
}
