using System.Net;
using System.Net.Sockets;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Facts;
using VibePN.Doctor.Firewall;
using VibePN.Linux;

namespace VibePN.Doctor.Checks;

/// <summary>What the firewall does with our packets. Only a drop that is sure is told as one.</summary>
internal static class FirewallChecks
{
    private static readonly string[] InHooks = ["ingress", "prerouting", "input"];
    private static readonly string[] OutHooks = ["output", "postrouting"];
    private static readonly string[] ThroughHooks = ["ingress", "prerouting", "forward", "postrouting"];

    public static IEnumerable<Finding> Input(HostFacts facts, NodeConfig config)
    {
        int port = PortOf(facts, config);
        if (port == 0)
        {
            return [Finding.Skip("the port is not known before the daemon runs")];
        }

        IReadOnlyList<string> outside = NetworkChecks.OutsideInterfaces(facts, config);
        return Judge(facts, $"UDP port {port}", "comes in", Families(facts, config, outside).Select(isV6 =>
        {
            FirewallPacket packet = new() { Hooks = InHooks, IsV6 = isV6, Protocol = FirewallPacket.Udp, DestinationPort = port };
            return Best(facts, outside, name => packet with { InInterface = name }) switch
            {
                { Passes: Certainty.No } drop when Best(facts, outside, name => packet with { InInterface = name, State = FirewallPacket.Established }).Passes == Certainty.No =>
                    new Judged(drop, Finding.Error($"the firewall drops all {Family(isV6)} datagrams to UDP port {port}", drop.By, Allow(drop, $"udp dport {port}", $"-p udp --dport {port}", port)))
                    {
                        IsFirm = config.Peers.Select(peer => NetworkChecks.AddressesOf(facts, peer).ToArray())
                            .Any(peer => peer.Length > 0 && peer.All(address => (address.AddressFamily == AddressFamily.InterNetworkV6) == isV6)),
                    },
                { Passes: Certainty.No } drop => new Judged(drop, OfStrangers(config, drop, isV6, port)),
                var verdict => new Judged(verdict, null),
            };
        }));
    }

    public static IEnumerable<Finding> Output(HostFacts facts, NodeConfig config)
    {
        int port = PortOf(facts, config);
        IReadOnlyList<string> outside = NetworkChecks.OutsideInterfaces(facts, config);
        return Judge(facts, "our datagrams", "leaves", Families(facts, config, outside).Select(isV6 =>
        {
            FirewallPacket packet = new() { Hooks = OutHooks, IsV6 = isV6, Protocol = FirewallPacket.Udp, SourcePort = port == 0 ? null : port };
            return Best(facts, outside, name => packet with { OutInterface = name }) switch
            {
                { Passes: Certainty.No } drop when Best(facts, outside, name => packet with { OutInterface = name, State = FirewallPacket.Established }).Passes == Certainty.No =>
                    new Judged(drop, Finding.Error($"the firewall lets no {Family(isV6)} datagrams of ours out", drop.By, Allow(drop, $"udp sport {port}", $"-p udp --sport {port}"))),
                { Passes: Certainty.No } drop => new Judged(drop, Finding.Warning(
                    $"the firewall lets our {Family(isV6)} datagrams out as answers only", $"{drop.By}; so this host cannot dial its peers", Allow(drop, $"udp sport {port}", $"-p udp --sport {port}"))),
                var verdict => new Judged(verdict, null),
            };
        }));
    }

    public static IEnumerable<Finding> Tunnel(HostFacts facts, NodeConfig config) => Judge(facts, "the tunnel", "comes through it", config.Networks.SelectMany(network => FamiliesOf(network).Select(isV6 =>
    {
        FirewallPacket ping = new() { Hooks = InHooks, IsV6 = isV6, Protocol = FirewallPacket.Ping, InInterface = network.Interface };
        FirewallVerdict verdict = FirewallWalk.Judge(facts.Firewall.Tables, ping);
        if (verdict.Passes != Certainty.No)
        {
            return new Judged(verdict, null);
        }

        bool takesAnswers = FirewallWalk.Judge(facts.Firewall.Tables, ping with { Protocol = null, State = FirewallPacket.Established }).Passes != Certainty.No;
        string cure = Allow(verdict, $"iifname {network.Interface}", $"-i {network.Interface}");
        return new Judged(verdict, takesAnswers
            ? Finding.Warning(
                $"the firewall drops {Family(isV6)} pings of peers that come by {network.Interface}",
                $"{verdict.By}; connections of peers to this host get in only where other rules accept them",
                cure)
            : Finding.Error($"the firewall drops all {Family(isV6)} packets that come by {network.Interface}", verdict.By, cure));
    })));

    public static IEnumerable<Finding> Forward(HostFacts facts, NodeConfig config)
    {
        Announced[] announced = [.. config.Networks.SelectMany(network => network.Routes.Select(route => new Announced(network, route)))];
        if (announced.Length == 0)
        {
            return [Finding.Ok("no network announces routes")];
        }

        return Judge(facts, "what is forwarded", "is forwarded", announced.Select(one =>
        {
            string? to = InterfaceTo(facts, one.Route);
            FirewallPacket packet = new()
            {
                Hooks = ThroughHooks,
                IsV6 = one.Route.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6,
                InInterface = one.Network.Interface,
                OutInterface = to ?? "?",
            };
            FirewallVerdict there = FirewallWalk.Judge(facts.Firewall.Tables, packet);
            FirewallVerdict back = FirewallWalk.Judge(facts.Firewall.Tables, packet with { InInterface = to ?? "?", OutInterface = one.Network.Interface, State = FirewallPacket.Established });
            FirewallVerdict worst = back.Passes < there.Passes ? back : there;
            return new Judged(worst, worst.Passes != Certainty.No || to is null ? null : Finding.Error(
                $"the firewall does not forward between {one.Network.Interface} and {to}, so {one.Route} cannot be reached by peers",
                worst.By,
                worst == there ? Allow(worst, $"iifname {one.Network.Interface}", $"-i {one.Network.Interface}") : Allow(worst, $"oifname {one.Network.Interface}", $"-o {one.Network.Interface}"),
                facts.Config.Places?.Of("networks", one.Network.Name, "routes")));
        }));
    }

    /// <summary>New connections from outside do not get in.</summary>
    private static Finding OfStrangers(NodeConfig config, FirewallVerdict drop, bool isV6, int port)
    {
        string[] dialers = [.. config.Peers.Where(peer => peer.Address is null).Select(peer => peer.Name)];
        string what = $"the firewall drops {Family(isV6)} datagrams to UDP port {port}, unless they are answers";
        string cure = Allow(drop, $"udp dport {port}", $"-p udp --dport {port}", port);
        return dialers.Length > 0
            ? Finding.Error(what, $"{drop.By}; {string.Join(", ", dialers)} {(dialers.Length == 1 ? "has" : "have")} no address in the config, so nobody can begin", cure)
            : Finding.Warning(what, $"{drop.By}; peers cannot dial this host, only be dialed by it", cure);
    }

    private static IEnumerable<Finding> Judge(HostFacts facts, string subject, string verb, IEnumerable<Judged> results)
    {
        FirewallFacts firewall = facts.Firewall;
        if (firewall.Tables.Count == 0 && firewall.Hidden.Count > 0)
        {
            return [Finding.Skip(string.Join("; ", firewall.Hidden))];
        }

        Judged[] all = [.. results];
        List<Finding> findings = [];
        foreach (Judged judged in all)
        {
            (FirewallVerdict verdict, Finding? finding) = judged;
            // One family that passes is enough, unless a peer has addresses of the other only.
            bool otherPasses = finding is { Severity: FindingSeverity.Error } && !judged.IsFirm && all.Any(other => other.Verdict.Passes == Certainty.Yes) && subject.StartsWith("UDP", StringComparison.Ordinal);
            if (finding is not null)
            {
                findings.Add(otherPasses ? finding with { Severity = FindingSeverity.Warning } : finding);
            }
            else if (verdict.Passes == Certainty.Maybe)
            {
                findings.Add(Finding.Info(
                    $"whether the firewall drops what {verb} cannot be known for sure",
                    $"it ends in {verdict.By}, but a rule before that accepts some packets"));
            }
        }

        if (firewall.Hidden.Count > 0)
        {
            findings.Add(Finding.Info("there may be more rules than could be seen", string.Join("; ", firewall.Hidden)));
        }

        return findings.Count > 0 ? findings.Distinct() : [Finding.Ok($"nothing drops {subject}")];
    }

    /// <summary>Of the interfaces the one that lets most through.</summary>
    private static FirewallVerdict Best(HostFacts facts, IReadOnlyList<string> interfaces, Func<string?, FirewallPacket> packet) =>
        interfaces.DefaultIfEmpty("?").Select(name => FirewallWalk.Judge(facts.Firewall.Tables, packet(name))).MaxBy(verdict => verdict.Passes)!;

    private static int PortOf(HostFacts facts, NodeConfig config)
    {
        if (config.Node.Listen.Port != 0)
        {
            return config.Node.Listen.Port;
        }

        return facts.Daemon.Status?.Listen.Select(text => IPEndPoint.TryParse(text, out IPEndPoint? bound) ? bound.Port : 0).FirstOrDefault() ?? 0;
    }

    /// <summary>Those in which peers may come: of an address that the host has, where it listens on all.</summary>
    private static bool[] Families(HostFacts facts, NodeConfig config, IReadOnlyList<string> outside)
    {
        if (!config.Node.Listen.Address.Equals(IPAddress.IPv6Any))
        {
            return [config.Node.Listen.AddressFamily == AddressFamily.InterNetworkV6];
        }

        bool[] present =
        [
            .. facts.Network.Addresses.Where(own => !own.Address.Address.IsIPv6LinkLocal && outside.Contains(facts.Network.NameOf(own.InterfaceIndex)))
                .Select(own => own.Address.Address.AddressFamily == AddressFamily.InterNetworkV6).Distinct().Order(),
        ];
        return present.Length > 0 ? present : [false, true];
    }

    private static IEnumerable<bool> FamiliesOf(NetworkConfig network) =>
        network.Prefixes.Select(prefix => prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6).Distinct();

    private static string Family(bool isV6) => isV6 ? "IPv6" : "IPv4";

    private static string? InterfaceTo(HostFacts facts, IPNetwork route) => facts.Network.Routes
        .Where(own => !own.IsGuarded && own.InterfaceIndex > 0 && own.Protocol != HostNetwork.RouteProtocol && own.Destination.BaseAddress.AddressFamily == route.BaseAddress.AddressFamily
            && (own.Destination.Contains(route.BaseAddress) || route.Contains(own.Destination.BaseAddress)))
        .OrderByDescending(own => own.Destination.PrefixLength)
        .Select(own => facts.Network.NameOf(own.InterfaceIndex))
        .FirstOrDefault();

    /// <summary>The command that lets it through, by whoever rules this firewall.</summary>
    internal static string Allow(FirewallVerdict drop, string nft, string iptables, int? port = null) => drop switch
    {
        { Table.Name: "firewalld" } => port is { } number
            ? $"firewall-cmd --permanent --add-port={number}/udp && firewall-cmd --reload"
            : "firewall-cmd --permanent --zone=trusted --add-interface=INTERFACE && firewall-cmd --reload",
        { Table.Tool: FirewallTool.Iptables } when port is { } number && drop.Table.Chains.Keys.Any(name => name.StartsWith("ufw", StringComparison.Ordinal)) => $"ufw allow {number}/udp",
        { Table.Tool: FirewallTool.Iptables, Chain: { } chain } =>
            $"{(drop.Table.Family == "ip6" ? "ip6tables" : "iptables")}{(drop.Table.Name == "filter" ? "" : $" -t {drop.Table.Name}")} -I {chain.Key} {iptables} -j ACCEPT",
        { Table: { } table, Chain: { } chain } => $"nft insert rule {table.Family} {table.Name} {chain.Key} {nft} accept",
        _ => "let it through",
    };

    private sealed record Announced(NetworkConfig Network, IPNetwork Route);

    /// <param name="Finding">Null: no drop is sure.</param>
    private sealed record Judged(FirewallVerdict Verdict, Finding? Finding)
    {
        /// <summary>It stays what it is, whatever the other family does.</summary>
        public bool IsFirm { get; init; }
    }
}
