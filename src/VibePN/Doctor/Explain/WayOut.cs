using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Checks;
using VibePN.Doctor.Facts;
using VibePN.Doctor.Firewall;
using VibePN.Linux;

namespace VibePN.Doctor.Explain;

/// <summary>Follows a packet from a program on this host to an address, and the answer back in. For one question.</summary>
internal sealed class WayOut(ExplainFacts facts)
{
    private const uint MainTable = 254;

    private static readonly string[] OutHooks = ["output", "postrouting"];
    private static readonly string[] InHooks = ["ingress", "prerouting", "input"];

    private readonly IPAddress _address = facts.Address;
    private readonly List<FindingDto> _steps = [];
    private readonly StatusDto? _status = facts.Host.Daemon.Status;
    private string? _answer;

    public ExplainDto Explain()
    {
        RouteDto[] matching =
        [
            .. facts.Routes.Where(route => IPNetwork.TryParse(route.Prefix, out IPNetwork prefix) && prefix.Contains(_address))
                .OrderByDescending(route => IPNetwork.Parse(route.Prefix).PrefixLength),
        ];
        RouteDto? own = matching.FirstOrDefault(route => route.Peer is null);
        RouteDto? used = matching.FirstOrDefault(route => route is { Used: true, Peer: not null });
        NetworkDto? network = _status?.Networks.FirstOrDefault(network => network.Name == (own ?? used)?.Network)
            ?? _status?.Networks.FirstOrDefault(network => network.Prefixes.Any(prefix => IPNetwork.TryParse(prefix, out IPNetwork parsed) && parsed.Contains(_address)));
        PeerDto? peer = used is null ? null : _status?.Peers.FirstOrDefault(peer => peer.Name == used.Peer);
        if (_status is null)
        {
            foreach (Finding finding in DaemonChecks.Running(facts.Host))
            {
                Add("daemon", finding with { Severity = FindingSeverity.Error });
            }

            _answer = $"without a daemon, nothing is known of {_address}";
            OfKernel(null);
        }
        else if (own is not null)
        {
            _answer = $"{_address} is this node's own address in network {own.Network}";
            Add("network", Finding.Ok($"{own.Network}, on {network?.Interface}"));
            Add("kernel", facts.Path is { IsLocal: true }
                ? Finding.Ok("this host")
                : Finding.Error($"the kernel does not know {_address} as an address of this host", "somebody removed it", "systemctl restart vibepn"));
        }
        else
        {
            OfNetwork(network, used);
            OfRoute(network, used, matching);
            OfPeer(used, peer, matching);
            OfMtu(network, peer);
            OfKernel(network);
            OfSource(network);
            OfReversePath(network);
            OfFirewall(network);
        }

        FindingSeverity worst = _steps.Select(step => step.Severity).DefaultIfEmpty(FindingSeverity.Ok).Max();
        return new ExplainDto
        {
            Address = _address.ToString(),
            Severity = worst,
            Answer = _answer ?? (worst == FindingSeverity.Error
                ? $"packets to {_address} do not get there: {_steps.First(step => step.Severity == FindingSeverity.Error).What}"
                : $"{_address} is reached by peer {used?.Peer} in network {network?.Name}{(worst == FindingSeverity.Warning ? ", but see below" : "")}"),
            Network = network?.Name,
            Interface = network?.Interface,
            Peer = used?.Peer,
            Route = (own ?? used)?.Prefix,
            Source = facts.Path?.Source?.ToString(),
            MtuBytes = peer?.MtuBytes,
            Steps = _steps,
        };
    }

    private void OfNetwork(NetworkDto? network, RouteDto? used) => Add("network", network switch
    {
        null => Finding.Error(
            $"no network and no announced route has {_address}",
            facts.Path is { } path ? $"the kernel sends it to {Where(path)}, past VibePN" : null,
            "if it is behind a peer: 'routes' in the network's table there, 'allow_routes' in the peer's entry here"),
        _ when facts.Host.Network.Links.FirstOrDefault(link => link.Name == network.Interface) is not { } link =>
            Finding.Error($"the interface {network.Interface} of network {network.Name} is not there", "somebody deleted it", "systemctl restart vibepn"),
        _ when !facts.Host.Network.Links.First(link => link.Name == network.Interface).IsUp =>
            Finding.Error($"the interface {network.Interface} of network {network.Name} is down", "somebody set it down", $"ip link set {network.Interface} up"),
        _ => Finding.Ok($"{network.Name}, on {network.Interface}{(used is { Source: "announced" } ? ", by a route that is announced in it" : "")}"),
    });

    private void OfRoute(NetworkDto? network, RouteDto? used, RouteDto[] matching)
    {
        if (used is not null)
        {
            Add("route", Finding.Ok($"{used.Prefix} of {used.Peer}{(used.Why is null ? "" : $": {used.Why}")}"));
            foreach (RouteDto other in matching.Where(route => route != used && route.Peer is not null).Take(4))
            {
                Add("route", Finding.Info($"not by {other.Prefix} of {other.Peer}", other.StandBy ? $"it stands by{(other.Why is null ? "" : $": {other.Why}")}" : other.Why));
            }

            if (used.Conflict is { } conflict)
            {
                Add("route", Finding.Info($"{used.Prefix} meets what the host has", conflict));
            }

            return;
        }

        RouteDto[] refused = [.. matching.Where(route => route.Peer is not null)];
        foreach (RouteDto route in refused.Take(4))
        {
            Add("route", Finding.Error(
                route.Former ? $"{route.Peer} had {route.Prefix}, and its connection has ended" : $"{route.Prefix} of {route.Peer} is not used",
                route.Why,
                CureOf(route)));
        }

        if (refused.Length == 0 && network is not null)
        {
            string[] absent = [.. _status!.Peers.Where(peer => peer.State != PeerState.Connected && IsMeantFor(peer, network.Name)).Select(peer => peer.Name)];
            Add("route", Finding.Error(
                $"no peer that is connected has {_address} in network {network.Name}",
                absent.Length > 0 ? $"not connected: {string.Join(", ", absent)}" : "all its peers are connected, and have other addresses",
                "vibepn peers shows who has which address"));
        }
    }

    private void OfPeer(RouteDto? used, PeerDto? peer, RouteDto[] matching)
    {
        if (peer is not null)
        {
            if (PeerChecks.OfPeer(_status!, peer) is { } finding)
            {
                Add("peer", finding with { Severity = peer.State == PeerState.Connected ? finding.Severity : FindingSeverity.Error });
            }
            else
            {
                Add("peer", Finding.Ok(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{peer.Name}: connected at {peer.Address}{(peer.RttMillis is { } rtt ? $", {rtt:0.00} ms away" : "")}{(peer.Loss is { } loss and > 0 ? $", {loss * 100:0.0} % lost" : "")}")));
            }

            return;
        }

        // Whoever would have it: peers of a former claim, or all of the network that are away.
        HashSet<string?> owners = [.. matching.Select(route => route.Peer)];
        PeerDto[] away = [.. _status!.Peers.Where(other => other.State != PeerState.Connected && (owners.Count == 0 || owners.Contains(other.Name)))];
        foreach (PeerDto other in away.Take(4))
        {
            if (PeerChecks.OfPeer(_status, other) is { } finding)
            {
                Add("peer", finding);
            }
        }

        if (away.Length > 0 && used is null)
        {
            // Nobody connects: what is wrong with this host is part of the answer.
            foreach (FindingDto fault in Checkup.Judge(facts.Host).Findings.Where(fault => fault.Severity == FindingSeverity.Error && fault.Check is not ("peers.state" or "firewall.tunnel")))
            {
                _steps.Add(fault with { Check = "host" });
            }
        }
    }

    private void OfMtu(NetworkDto? network, PeerDto? peer)
    {
        if (network is null || peer is not { State: PeerState.Connected, MtuBytes: { } mtu })
        {
            return;
        }

        int sent = facts.Path?.Mtu is { } route and > 0 ? route : network.MtuBytes;
        Add("mtu", peer.MtuState == MtuState.Capped
            ? Finding.Warning($"packets of up to {mtu} bytes fit, and larger ones did before", "something on the way loses large packets")
            : mtu >= sent
                ? Finding.Ok($"packets of up to {mtu} bytes fit; the kernel sends up to {sent}")
                : Finding.Info($"packets of up to {mtu} bytes fit; the kernel sends up to {sent}", "larger ones are answered by ICMP, or go in fragments"));
    }

    private void OfKernel(NetworkDto? network)
    {
        if (facts.Path is not { } path)
        {
            Add("kernel", Finding.Error($"the kernel does not send to {_address}: {facts.PathProblem ?? "it could not be asked"}", cure: $"ip route get {_address}"));
            return;
        }

        string way = $"{path.Prefix?.ToString() ?? "a route"} of table {TableName(path.Table)}, to {Where(path)}{(path.Source is null ? "" : $", from {path.Source}")}";
        if (network is null)
        {
            Add("kernel", Finding.Info(way));
        }
        else if (path.IsLocal)
        {
            Add("kernel", Finding.Error($"{_address} is an address of this host, on {facts.Host.Network.NameOf(path.InterfaceIndex)}", "it never leaves", "remove it there, or give the network another prefix"));
        }
        else
        {
            Add("kernel", facts.Host.Network.NameOf(path.InterfaceIndex) == network.Interface
                ? Finding.Ok(way)
                : Finding.Error(
                    $"the kernel sends it to {Where(path)}, not to {network.Interface}",
                    $"{path.Prefix?.ToString() ?? "a route"} of table {TableName(path.Table)} goes before",
                    $"ip route show match {_address} table all; ip rule: remove what is not wanted"));
        }
    }

    /// <summary>A peer takes from us only what it knows as ours.</summary>
    private void OfSource(NetworkDto? network)
    {
        if (network is null || facts.Path is not { IsLocal: false, Source: { } source } path || facts.Host.Network.NameOf(path.InterfaceIndex) != network.Interface)
        {
            return;
        }

        NetworkConfig? config = facts.Host.Config.Config?.Networks.FirstOrDefault(own => own.Name == network.Name);
        Add("source", network.Addresses.Contains(source.ToString()) ? Finding.Ok($"{source}, this node's address in {network.Name}")
            : config?.Routes.Any(route => route.Contains(source)) == true ? Finding.Ok($"{source}, inside of what this node announces")
            : Finding.Error(
                $"the kernel takes {source} as the source, which is no address of this node in network {network.Name}",
                "peers drop what comes from an address that is not ours",
                $"ip route show match {_address}: remove 'src {source}', or bind the program to {string.Join(" or ", network.Addresses)}"));
    }

    private void OfReversePath(NetworkDto? network)
    {
        if (network is null || _address.AddressFamily != AddressFamily.InterNetwork || facts.Host.Config.Config is not { } config)
        {
            return;
        }

        bool isStrict = Math.Max(facts.Host.System.Sysctl("net/ipv4/conf/all/rp_filter") ?? 0, facts.Host.System.Sysctl($"net/ipv4/conf/{network.Interface}/rp_filter") ?? 0) == 1;
        if (isStrict && facts.Path is { IsLocal: false } path && facts.Host.Network.NameOf(path.InterfaceIndex) != network.Interface)
        {
            Add("rp_filter", Finding.Error(
                $"rp_filter is strict on {network.Interface}, and the way to {_address} is another",
                "what comes from there through the tunnel is dropped",
                "sysctl -w net.ipv4.conf.all.rp_filter=2"));
            return;
        }

        foreach (Finding finding in NetworkChecks.ReversePath(facts.Host, config))
        {
            Add("rp_filter", finding);
        }
    }

    private void OfFirewall(NetworkDto? network)
    {
        if (network is null || facts.Host.Config.Config is not { } config)
        {
            return;
        }

        FirewallFacts firewall = facts.Host.Firewall;
        if (firewall.Tables.Count == 0 && firewall.Hidden.Count > 0)
        {
            Add("firewall", Finding.Info("the firewall could not be looked at", string.Join("; ", firewall.Hidden)));
            return;
        }

        bool isV6 = _address.AddressFamily == AddressFamily.InterNetworkV6;
        FirewallPacket ping = new() { Hooks = OutHooks, IsV6 = isV6, Protocol = FirewallPacket.Ping, OutInterface = network.Interface };
        FirewallVerdict there = FirewallWalk.Judge(firewall.Tables, ping);
        FirewallVerdict back = FirewallWalk.Judge(firewall.Tables, ping with { Hooks = InHooks, Protocol = null, OutInterface = null, InInterface = network.Interface, State = FirewallPacket.Established });
        int before = _steps.Count;
        if (there.Passes == Certainty.No)
        {
            Add("firewall", Finding.Error($"the firewall lets no ping out by {network.Interface}", there.By, FirewallChecks.Allow(there, $"oifname {network.Interface}", $"-o {network.Interface}")));
        }

        if (back.Passes == Certainty.No)
        {
            Add("firewall", Finding.Error($"the firewall drops the answers that come by {network.Interface}", back.By, FirewallChecks.Allow(back, $"iifname {network.Interface}", $"-i {network.Interface}")));
        }

        foreach (Finding finding in FirewallChecks.Input(facts.Host, config).Concat(FirewallChecks.Output(facts.Host, config)).Where(finding => finding is { Severity: > FindingSeverity.Info, IsSkip: false }))
        {
            Add("firewall", finding);
        }

        if (before == _steps.Count)
        {
            Add("firewall", there.Passes == Certainty.Maybe || back.Passes == Certainty.Maybe
                ? Finding.Info("whether the firewall drops it cannot be known for sure", (there.Passes == Certainty.Maybe ? there : back).By)
                : Finding.Ok("nothing drops it here"));
        }
    }

    /// <summary>The daemon tells common networks of connected peers only; the others' are in the config.</summary>
    private bool IsMeantFor(PeerDto peer, string network) => peer.Networks.Contains(network)
        || facts.Host.Config.Config?.Peers.FirstOrDefault(entry => entry.Name == peer.Name) is not { } entry
        || entry.Networks.Contains(network);

    private static string? CureOf(RouteDto route) => route.Why switch
    {
        { } why when why.Contains("allow_routes", StringComparison.Ordinal) => $"vibepn add-peer --update --name {route.Peer} --allow-routes {route.Prefix} (with those that it has)",
        { } why when why.Contains("accept_routes", StringComparison.Ordinal) => $"accept_routes = true in [networks.{route.Network}]",
        _ => null,
    };

    private string Where(HostPath path) =>
        (path.InterfaceIndex > 0 ? facts.Host.Network.NameOf(path.InterfaceIndex) : "several ways") + (path.Gateway is null ? "" : $" by {path.Gateway}");

    private static string TableName(uint table) => table switch
    {
        MainTable => "main",
        HostNetwork.GuardedTable => $"{table} (VibePN's, by rule 12342)",
        255 => "local",
        _ => table.ToString(CultureInfo.InvariantCulture),
    };

    private void Add(string step, Finding finding)
    {
        if (!finding.IsSkip)
        {
            _steps.Add(new FindingDto { Check = step, Severity = finding.Severity, What = finding.What, Cause = finding.Cause, Cure = finding.Cure, Place = finding.Place });
        }
    }
}
