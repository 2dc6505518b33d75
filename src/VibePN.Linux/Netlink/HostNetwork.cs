// Over 400 lines: what is applied, and how each of it is journalled and undone, stand side by side.
using System.Net;
using System.Net.Sockets;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// Keeps the host's network as desired, by rtnetlink. Each <see cref="Apply"/> reads what our interfaces have and changes only the
/// differences. One thread at a time; not the loop's, because the kernel may take milliseconds.
/// </summary>
/// <remarks>
/// How each link was found, and each address given to it, is in the journal before it is changed; <see cref="Recover"/> undoes at the
/// next start what a killed process left. Routes are known by their protocol number. The TUNs of <see cref="TunDevice"/> go away with
/// their process, whatever ends it, and everything here hangs on them: so far a crash leaves nothing but the journal, which is then
/// found to be void. It is for links that stay, and must be used by what will not hang on a link (rules, forwarding, DNS).
/// </remarks>
public sealed class HostNetwork : IDisposable
{
    /// <summary>The number that marks our routes (<c>rtm_protocol</c>).</summary>
    public const byte RouteProtocol = 201;

    /// <summary>The table of guarded routes.</summary>
    public const uint GuardedTable = 12_341;

    /// <summary>Of our own datagrams (SO_MARK): they do not see that table, so that no tunnel leads into itself.</summary>
    public const uint Mark = 0x3035;

    private const int DefaultV6Metric = 1024;

    /// <summary>
    /// Frames that the kernel keeps for the reader of a TUN; what comes then is lost, of whatever flow. Its default of 500 is 1 ms of a flood,
    /// less than another program may hold the processor for.
    /// </summary>
    private const int QueueFrames = 2048;

    private readonly NetlinkSocket _netlink = new();
    private readonly HostJournal? _journal;
    private readonly Dictionary<int, ManagedLink> _managed = [];

    /// <summary>There may be rules of ours.</summary>
    private bool _hasRules;

    /// <param name="journalPath">In the state directory; null: none, for callers whose interfaces all go away with them.</param>
    /// <exception cref="LinuxException"/>
    public HostNetwork(string? journalPath = null) => _journal = journalPath is null ? null : new HostJournal(journalPath);

    /// <summary>Why nothing is journalled of links that go away with the process anyway, for people; null: all is journalled.</summary>
    public string? JournalProblem { get; private set; }

    /// <summary>Undoes what a former process left because it was killed. To be called before the first <see cref="Apply"/>.</summary>
    /// <returns>What could not be undone and why, for people; null when nothing is left.</returns>
    public string? Recover()
    {
        var failures = new List<LinuxException>();
        if (_journal?.Load(out var problem) is not { } links)
        {
            Attempt(failures, RemoveUnusedRules);
            return failures.Count > 0 ? failures[0].Message : null;
        }

        foreach (var link in links)
        {
            _managed[link.Index] = new ManagedLink(link.Name, isTransient: false) { Before = link, Added = [.. link.AddressList()] };
        }

        ReleaseAll(link => true, failures);
        Attempt(failures, RemoveUnusedRules);
        return failures.Count > 0 ? failures[0].Message : problem;
    }

    /// <summary>Makes the host's network as desired. Links of an earlier call that are not named any more lose what they have of us.</summary>
    /// <exception cref="LinuxException">The first thing that failed; the rest was tried nevertheless.</exception>
    public void Apply(HostState desired)
    {
        ArgumentNullException.ThrowIfNull(desired);
        var failures = new List<LinuxException>();
        var named = desired.Links.Select(link => link.Index).ToHashSet();
        ReleaseAll(index => !named.Contains(index), failures);
        Attempt(failures, () => EnsureRules(desired));
        foreach (var link in desired.Links)
        {
            Attempt(failures, () => ApplyLink(link, failures));
        }

        if (_hasRules)
        {
            Attempt(failures, RemoveUnusedRules);
        }

        if (failures.Count > 0)
        {
            throw failures[0];
        }
    }

    /// <returns>0: no such interface.</returns>
    public static int InterfaceIndex(string name) => (int)Libc.if_nametoindex(name);

    /// <returns>Null: no such interface.</returns>
    /// <exception cref="LinuxException"/>
    public string? InterfaceName(int index) => index == 0 ? null : HostQueries.FindLink(_netlink, index)?.Name;

    /// <summary>All interfaces of the host.</summary>
    /// <exception cref="LinuxException"/>
    public IReadOnlyList<HostLink> Links() => HostQueries.ReadLinks(_netlink);

    /// <summary>The addresses of all interfaces of the host.</summary>
    /// <exception cref="LinuxException"/>
    public IReadOnlyList<HostAddress> Addresses() => HostQueries.ReadAddresses(_netlink, index: 0);

    /// <summary>The unicast routes of the main table and of ours.</summary>
    /// <exception cref="LinuxException"/>
    public IReadOnlyList<HostRoute> Routes() => HostQueries.ReadRoutes(_netlink);

    /// <summary>Where the kernel sends what a program on this host sends there, rules and all.</summary>
    /// <returns>Null and the errno: nowhere.</returns>
    /// <exception cref="LinuxException">Netlink itself fails.</exception>
    public (HostPath? Path, int Errno) FindPath(IPAddress destination) => HostQueries.FindPath(_netlink, destination);

    /// <summary>Before the routes that need them.</summary>
    private void EnsureRules(HostState desired)
    {
        byte[] families =
        [
            .. desired.Links.Where(link => link.Up).SelectMany(link => link.Routes).Where(route => route.IsGuarded)
                .Select(route => (byte)(IsV4(route) ? SocketConstants.AF_INET : SocketConstants.AF_INET6)).Distinct(),
        ];
        if (families.Length == 0)
        {
            return;
        }

        _hasRules = true;
        var present = GuardRules.Read(_netlink);
        foreach (var family in families)
        {
            GuardRules.Ensure(family, present, (request, operation) => Change(request, operation, ignore: Errno.EEXIST));
        }
    }

    /// <summary>After the last route that needs them, of whichever of our processes on this host.</summary>
    private void RemoveUnusedRules()
    {
        var present = GuardRules.Read(_netlink);
        var guarded = present.Count == 0 ? [] : HostQueries.ReadRoutes(_netlink).Where(route => route.IsGuarded).ToList();
        foreach (var family in new[] { (byte)SocketConstants.AF_INET, (byte)SocketConstants.AF_INET6 })
        {
            var isV4 = family == SocketConstants.AF_INET;
            if (!guarded.Exists(route => isV4 == (route.Destination.BaseAddress.AddressFamily == AddressFamily.InterNetwork)))
            {
                GuardRules.Remove(family, present, (request, operation) => Change(request, operation, ignore: Errno.ENOENT));
            }
        }

        _hasRules = guarded.Count > 0;
    }

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

        var managed = Take(link);
        Attempt(failures, () => ApplyLinkSettings(desired, link));
        Attempt(failures, () => ApplyAddresses(desired, managed, failures));
        if (desired.Up)
        {
            Attempt(failures, () => ApplyRoutes(desired, failures));
        }
    }

    /// <summary>Notes how a link is found that will be there after us; marks it.</summary>
    private ManagedLink Take(HostQueries.Link link)
    {
        if (_managed.TryGetValue(link.Index, out var known))
        {
            return known;
        }

        var managed = new ManagedLink(link.Name, link.IsTransient);
        _managed.Add(link.Index, managed);
        if (_journal is null)
        {
            return managed;
        }

        try
        {
            var marker = $"vibepn:{Guid.NewGuid():N}";
            managed.Before = new JournalLink(link.Index, link.Name, marker, link.Alias, link.Mtu, link.IsUp, link.AddressGeneration, []);
            SaveJournal(managed);
            SetAlias(link.Index, link.Name, marker);
        }
        catch (LinuxException)
        {
            _managed.Remove(link.Index);
            throw;
        }

        return managed;
    }

    /// <param name="changing">The link that is about to be changed; null: none.</param>
    /// <exception cref="LinuxException">The journal cannot be written, and the link would keep what we do to it.</exception>
    private void SaveJournal(ManagedLink? changing)
    {
        try
        {
            _journal?.Save(
                [
                    .. _managed.Values.Where(link => link.Before is not null)
                        .Select(link => link.Before! with { Addresses = [.. link.Added.Select(address => address.ToString())] }),
                ]);
            JournalProblem = null;
        }
        catch (LinuxException failure) when (changing is null or { IsTransient: true })
        {
            JournalProblem = failure.Message;
        }
    }

    private void SetAlias(int index, string name, string alias) => Change(
        NetlinkRequest.Create(NetlinkConstants.RTM_NEWLINK, NetlinkConstants.NLM_F_ACK, new Ifinfomsg { ifi_index = index })
            .Add(NetlinkConstants.IFLA_IFALIAS, System.Text.Encoding.UTF8.GetBytes(alias)),
        $"set the alias of {name}");

    private void ApplyLinkSettings(LinkState desired, HostQueries.Link present)
    {
        if (present.AddressGeneration is { } mode && mode != NetlinkConstants.IN6_ADDR_GEN_MODE_NONE)
        {
            // Keeps the interface silent: no link-local address, no router solicitations. To be set before it comes up.
            SetAddressGeneration(desired.Index, desired.Name, NetlinkConstants.IN6_ADDR_GEN_MODE_NONE);
        }

        if (present.Mtu != desired.Mtu || present.IsUp != desired.Up)
        {
            SetMtuAndUp(desired.Index, desired.Name, desired.Mtu, desired.Up, QueueFrames);
        }
    }

    private void SetAddressGeneration(int index, string name, byte mode)
    {
        var request = NetlinkRequest
            .Create(NetlinkConstants.RTM_NEWLINK, NetlinkConstants.NLM_F_ACK, new Ifinfomsg { ifi_index = index })
            .Nest(NetlinkConstants.IFLA_AF_SPEC, spec => spec.Nest(SocketConstants.AF_INET6, v6 =>
                v6.Add(NetlinkConstants.IFLA_INET6_ADDR_GEN_MODE, mode)));
        Change(request, $"set IPv6 address generation on {name}", ignore: Errno.EAFNOSUPPORT);
    }

    private void SetMtuAndUp(int index, string name, int mtu, bool isUp, int queueFrames = 0)
    {
        var header = new Ifinfomsg
        {
            ifi_index = index,
            ifi_flags = isUp ? NetlinkConstants.IFF_UP : 0,
            ifi_change = NetlinkConstants.IFF_UP,
        };
        var request = NetlinkRequest.Create(NetlinkConstants.RTM_NEWLINK, NetlinkConstants.NLM_F_ACK, header)
            .Add(NetlinkConstants.IFLA_MTU, (uint)mtu);
        if (queueFrames > 0)
        {
            request.Add(NetlinkConstants.IFLA_TXQLEN, (uint)queueFrames);
        }

        Change(request, $"set MTU {mtu} and {(isUp ? "up" : "down")} on {name}");
    }

    private void ApplyAddresses(LinkState desired, ManagedLink managed, List<LinuxException> failures)
    {
        var before = PresentAddresses(desired.Index);
        var extra = before.Where(address => managed.Added.Contains(address) && !desired.Addresses.Contains(address)).ToList();
        foreach (var address in extra)
        {
            Attempt(failures, () => ChangeAddress(desired.Index, desired.Name, address, isAdd: false));
        }

        // Read again: with an IPv4 primary the kernel also removes its secondaries, of whomever they are.
        var present = PresentAddresses(desired.Index);
        managed.Added.RemoveWhere(address => !present.Contains(address));
        var missing = desired.Addresses.Where(address => !present.Contains(address)).ToList();
        managed.Added.UnionWith(missing);
        SaveJournal(managed);

        foreach (var address in before.Except(extra).Except(present).Union(missing))
        {
            Attempt(failures, () => ChangeAddress(desired.Index, desired.Name, address, isAdd: true));
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

    private void ReleaseAll(Func<int, bool> isDue, List<LinuxException> failures)
    {
        foreach (var (index, managed) in _managed.Where(link => isDue(link.Key)).ToList())
        {
            var failed = failures.Count;
            Attempt(failures, () => Release(index, managed, failures));
            if (failures.Count > failed && managed.Before is not null)
            {
                // Stays in the journal: the next start tries again.
                continue;
            }

            _managed.Remove(index);
            SaveJournal(changing: null);
        }
    }

    /// <summary>Takes back what we gave a link that is not ours any more, if it still is the one that we had.</summary>
    private void Release(int index, ManagedLink managed, List<LinuxException> failures)
    {
        var link = HostQueries.FindLink(_netlink, index);
        var name = managed.Name;
        if (link?.Name != name || (managed.Before is { } marked && marked.Marker != link.Alias))
        {
            return;
        }

        foreach (var route in OurRoutes(index))
        {
            Attempt(failures, () => ChangeRoute(index, name, route, NetlinkConstants.RTM_DELROUTE, 0));
        }

        foreach (var address in PresentAddresses(index).Where(managed.Added.Contains))
        {
            Attempt(failures, () => ChangeAddress(index, name, address, isAdd: false));
        }

        if (managed.Before is { } before)
        {
            SetMtuAndUp(index, name, before.Mtu, before.IsUp);
            if (before.AddressGeneration is { } mode)
            {
                SetAddressGeneration(index, name, mode);
            }

            // Last: without it the link is not touched any more.
            SetAlias(index, name, before.Alias);
        }
    }

    /// <summary>Without IPv6 link-local addresses: those come and go on their own.</summary>
    private List<InterfaceAddress> PresentAddresses(int index) =>
        [.. HostQueries.ReadAddresses(_netlink, index).Select(a => a.Address).Where(a => !a.Address.IsIPv6LinkLocal)];

    private List<RouteState> OurRoutes(int index) =>
        [.. HostQueries.ReadRoutes(_netlink)
            .Where(route => route.Protocol == RouteProtocol && route.InterfaceIndex == index)
            .Select(route => new RouteState(route.Destination, route.Mtu, route.Metric) { IsGuarded = route.IsGuarded })];

    private static RouteState Normalize(RouteState route) =>
        route with { Metric = IsV4(route) ? route.Metric ?? 0 : route.Metric is null or 0 ? DefaultV6Metric : route.Metric };

    private static bool IsV4(RouteState route) => route.Destination.BaseAddress.AddressFamily == AddressFamily.InterNetwork;

    private static bool IsSameKey(RouteState a, RouteState b) =>
        a.Destination.Equals(b.Destination) && a.Metric == b.Metric && a.IsGuarded == b.IsGuarded;

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
            rtm_table = route.IsGuarded ? NetlinkConstants.RT_TABLE_UNSPEC : NetlinkConstants.RT_TABLE_MAIN,
            rtm_protocol = RouteProtocol,
            rtm_scope = isV4 ? NetlinkConstants.RT_SCOPE_LINK : NetlinkConstants.RT_SCOPE_UNIVERSE,
            rtm_type = NetlinkConstants.RTN_UNICAST,
        };
        var request = NetlinkRequest.Create(type, (ushort)(flags | NetlinkConstants.NLM_F_ACK), header)
            .Add(NetlinkConstants.RTA_DST, route.Destination.BaseAddress)
            .Add(NetlinkConstants.RTA_OIF, (uint)index);
        if (route.IsGuarded)
        {
            request.Add(NetlinkConstants.RTA_TABLE, GuardedTable);
        }

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

    /// <summary>A link in our hands.</summary>
    private sealed class ManagedLink(string name, bool isTransient)
    {
        public string Name { get; } = name;

        public bool IsTransient { get; } = isTransient;

        /// <summary>Our addresses on it; more than it has for a moment, never fewer.</summary>
        public HashSet<InterfaceAddress> Added { get; init; } = [];

        /// <summary>As it was; null: there is no journal.</summary>
        public JournalLink? Before { get; set; }
    }
}
