using System.Net;
using System.Net.Sockets;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Facts;
using VibePN.Linux;

namespace VibePN.Doctor.Checks;

/// <summary>The networks beside what else the host has.</summary>
internal static class NetworkChecks
{
    private const int Strict = 1;

    public static IEnumerable<Finding> Interface(HostFacts facts, NodeConfig config)
    {
        if (facts.Network.Problem is { } problem)
        {
            return [Finding.Skip(problem)];
        }

        IEnumerable<Finding> findings = facts.Daemon.Status is { } status
            ? status.Networks.SelectMany(network => OfRunning(facts.Network, network))
            : config.Networks.Where(network => facts.Network.Links.Any(link => link.Name == network.Interface) && facts.Daemon.NobodyThere).Select(network => Finding.Warning(
                $"there is an interface {network.Interface} already, and no daemon that it belongs to",
                "the daemon does not take over what another program has",
                $"ip link delete {network.Interface}, or set another 'interface' in [networks.{network.Name}]",
                facts.Config.Places?.Of("networks", network.Name, "interface")));
        Finding[] found = [.. findings];
        return found.Length > 0 ? found
            : facts.Daemon.Status is null ? [Finding.Skip("no daemon answers, so there are no interfaces of its")]
            : [Finding.Ok($"{string.Join(", ", config.Networks.Select(network => network.Interface))}: up, with the right addresses")];
    }

    public static IEnumerable<Finding> Overlap(HostFacts facts, NodeConfig config)
    {
        NetworkFacts host = facts.Network;
        if (host.Problem is { } problem)
        {
            return [Finding.Skip(problem)];
        }

        HashSet<int> own = [.. OwnInterfaces(facts, config)];
        List<Finding> findings = [];
        foreach (NetworkConfig network in config.Networks)
        {
            string? place = facts.Config.Places?.Of("networks", network.Name, "prefix");
            string cure = $"give network {network.Name} another prefix, on all its hosts, or renumber";
            foreach (IPNetwork prefix in network.Prefixes)
            {
                foreach (HostRoute route in host.Routes.Where(route => !route.IsGuarded && route.Protocol != HostNetwork.RouteProtocol && !own.Contains(route.InterfaceIndex)
                    && route.Destination.PrefixLength > 0 && IpText.Overlap(route.Destination, prefix)).DistinctBy(route => $"{route.Destination} {route.InterfaceIndex}"))
                {
                    bool isOnLink = route.Gateway is null;
                    string where = route.InterfaceIndex > 0 ? host.NameOf(route.InterfaceIndex) : "several routers";
                    string what = $"network {network.Name} ({prefix}) overlaps with {route.Destination} of {where}";
                    findings.Add(
                        route.Destination.Equals(prefix) ? isOnLink
                            ? Finding.Error(what, "both claim the same addresses, and one of them loses", cure + $" {where}", place)
                            : Finding.Warning(what, "the host reaches it by a router, and through VibePN: one of them loses", cure + ", or remove that route", place)
                        : route.Destination.PrefixLength > prefix.PrefixLength
                            ? Finding.Warning(what, $"peers with an address in {route.Destination} cannot be reached from here", cure + $" {where}", place)
                        : isOnLink
                            ? Finding.Warning(what, $"hosts of {where} with an address in {prefix} cannot be reached from here any more", cure + $" {where}", place)
                            : Finding.Info(what, $"what is for {prefix} goes through VibePN from here, the rest as before", place: place));
                }
            }

            foreach (IPAddress address in network.Addresses.OfType<IPAddress>())
            {
                foreach (HostAddress taken in host.Addresses.Where(taken => !own.Contains(taken.InterfaceIndex) && taken.Address.Address.Equals(address)))
                {
                    findings.Add(Finding.Error(
                        $"the address {address} of network {network.Name} is on {host.NameOf(taken.InterfaceIndex)} already",
                        cure: "set another 'address', or \"auto\"",
                        place: facts.Config.Places?.Of("networks", network.Name, "address")));
                }
            }
        }

        return findings.Count > 0 ? findings : [Finding.Ok("the prefixes are the networks' alone")];
    }

    public static IEnumerable<Finding> Routes(HostFacts facts, NodeConfig config)
    {
        if (facts.Network.Problem is { } problem)
        {
            return [Finding.Skip(problem)];
        }

        HashSet<int> own = [.. OwnInterfaces(facts, config)];
        Finding[] findings =
        [
            .. config.Networks.SelectMany(network => network.Routes.Where(route => !IsReached(facts.Network, own, route)).Select(route => Finding.Warning(
                $"network {network.Name} announces {route}, but this host has no route to it",
                "what peers send there leaves by the default route, or nowhere",
                $"ip route add {route} via ROUTER; or take it out of 'routes'",
                facts.Config.Places?.Of("networks", network.Name, "routes")))),
        ];
        return findings.Length > 0 ? findings
            : [Finding.Ok(config.Networks.Any(network => network.Routes.Count > 0) ? "what is announced can be reached" : "no network announces routes")];
    }

    /// <summary>As docs/routes.md has it: a learned route that covers a peer's own address makes the way back to it another one than by which it comes.</summary>
    public static IEnumerable<Finding> ReversePath(HostFacts facts, NodeConfig config)
    {
        string[] strict = [.. OutsideInterfaces(facts, config).Where(name => Math.Max(facts.System.Sysctl("net/ipv4/conf/all/rp_filter") ?? 0, facts.System.Sysctl($"net/ipv4/conf/{name}/rp_filter") ?? 0) == Strict)];
        if (strict.Length == 0)
        {
            return [Finding.Ok("no interface of the peers' datagrams filters strictly")];
        }

        HashSet<string> accepting = [.. config.Networks.Where(network => network.AcceptRoutes).Select(network => network.Name)];
        IPAddress[] outer = [.. config.Peers.SelectMany(peer => AddressesOf(facts, peer)).Where(address => address.AddressFamily == AddressFamily.InterNetwork)];
        Learned[] around =
        [
            .. config.Peers.Where(peer => peer.Networks.Any(accepting.Contains)).SelectMany(peer => peer.AllowRoutes.Select(route => new Learned(peer, route)))
                .Where(one => one.Route.BaseAddress.AddressFamily == AddressFamily.InterNetwork && (one.Route.PrefixLength == 0 || outer.Any(one.Route.Contains))),
        ];
        const string Cure = "sysctl -w net.ipv4.conf.all.rp_filter=2, and the same line in a file of /etc/sysctl.d to keep it";
        if (around.Length > 0)
        {
            return [Finding.Warning(
                $"rp_filter is strict on {string.Join(", ", strict)}, and {around[0].Peer.Name} may announce {around[0].Route}",
                "with that route the way back to a peer leads through the tunnel, so the kernel drops what comes from it outside",
                Cure,
                facts.Config.Places?.OfPeer(around[0].Peer.Name, "allow_routes"))];
        }

        return [strict.Length > 1
            ? Finding.Info(
                $"rp_filter is strict on {string.Join(", ", strict)}",
                "what a peer sends to one of them is dropped when the way back to it leads by another",
                Cure)
            : Finding.Ok($"rp_filter is strict on {strict[0]}, which is the only way")];
    }

    public static IEnumerable<Finding> Forwarding(HostFacts facts, NodeConfig config)
    {
        List<Finding> findings = [];
        foreach (NetworkConfig network in config.Networks)
        {
            string? place = facts.Config.Places?.Of("networks", network.Name, "routes");
            foreach (bool isV6 in network.Routes.Select(route => route.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6).Distinct().Order())
            {
                string name = isV6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward";
                if (facts.System.Sysctl(name.Replace('.', '/')) is not { } value)
                {
                    findings.Add(Finding.Skip($"{name} cannot be read"));
                }
                else if (value == 0)
                {
                    findings.Add(Finding.Error(
                        $"network {network.Name} announces {(isV6 ? "IPv6" : "IPv4")} routes, but {name} is 0",
                        "the kernel drops what peers send there",
                        $"sysctl -w {name}=1, and the same line in a file of /etc/sysctl.d to keep it",
                        place));
                }
            }
        }

        return findings.Count > 0 ? findings
            : [Finding.Ok(config.Networks.Any(network => network.Routes.Count > 0) ? "the host forwards" : "no network announces routes")];
    }

    /// <summary>By which peers' datagrams come: with a default route, or with a peer on the link; failing these, all.</summary>
    internal static IReadOnlyList<string> OutsideInterfaces(HostFacts facts, NodeConfig config)
    {
        HashSet<int> own = [.. OwnInterfaces(facts, config)];
        HostLink[] links = [.. facts.Network.Links.Where(link => link.IsUp && link.Name != "lo" && !own.Contains(link.Index))];
        IPAddress[] outer = [.. config.Peers.SelectMany(peer => AddressesOf(facts, peer))];
        string[] likely =
        [
            .. links.Where(link => facts.Network.Routes.Any(route => !route.IsGuarded && route.InterfaceIndex == link.Index
                && (route.Destination.PrefixLength == 0 || outer.Any(route.Destination.Contains)))).Select(link => link.Name),
        ];
        return likely.Length > 0 ? likely
            : [.. links.Where(link => facts.Network.Addresses.Any(address => address.InterfaceIndex == link.Index)).Select(link => link.Name)];
    }

    internal static IEnumerable<int> OwnInterfaces(HostFacts facts, NodeConfig config)
    {
        HashSet<string> names = [.. config.Networks.Select(network => network.Interface), .. facts.Daemon.Status?.Networks.Select(network => network.Interface) ?? []];
        return facts.Network.Links.Where(link => names.Contains(link.Name)).Select(link => link.Index);
    }

    /// <summary>Where it is dialed, as far as that is known.</summary>
    internal static IEnumerable<IPAddress> AddressesOf(HostFacts facts, PeerConfig peer) => peer.Address switch
    {
        { Literal: { } literal } => [literal],
        { Host: var host } => facts.Names.TryGetValue(host, out NameFacts? name) ? name.Addresses : [],
        _ => [],
    };

    private static IEnumerable<Finding> OfRunning(NetworkFacts host, NetworkDto network)
    {
        if (host.Links.FirstOrDefault(link => link.Name == network.Interface) is not { } link)
        {
            yield return Finding.Error(
                $"the interface {network.Interface} of network {network.Name} is not there",
                "somebody deleted it, or the daemon runs in another network namespace",
                "systemctl restart vibepn");
            yield break;
        }

        if (!link.IsUp)
        {
            yield return Finding.Error($"the interface {link.Name} of network {network.Name} is down", "somebody set it down", $"ip link set {link.Name} up");
        }

        foreach (string address in network.Addresses.Where(address => !host.Addresses.Any(has => has.InterfaceIndex == link.Index && has.Address.Address.ToString() == address)))
        {
            yield return Finding.Error(
                $"the interface {link.Name} of network {network.Name} lacks its address {address}",
                "somebody removed it",
                "systemctl restart vibepn");
        }

        if (link.Mtu != network.MtuBytes)
        {
            yield return Finding.Warning($"the MTU of {link.Name} is {link.Mtu}, not {network.MtuBytes}", "somebody changed it", $"ip link set {link.Name} mtu {network.MtuBytes}");
        }
    }

    private static bool IsReached(NetworkFacts host, HashSet<int> own, IPNetwork announced) => host.Routes.Any(route =>
        !route.IsGuarded && !own.Contains(route.InterfaceIndex) && route.Destination.BaseAddress.AddressFamily == announced.BaseAddress.AddressFamily
        && (announced.PrefixLength == 0 ? route.Destination.PrefixLength == 0 : route.Destination.PrefixLength > 0 && IpText.Overlap(route.Destination, announced)));

    private sealed record Learned(PeerConfig Peer, IPNetwork Route);
}
