using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VibePN.Api;
using VibePN.Doctor.Checks;
using VibePN.Doctor.Facts;

namespace VibePN.Doctor;

/// <summary><c>vibepn netcheck</c>: what stands between this host and its peers, by its own addresses and by what peers see of it.</summary>
public static class Netcheck
{
    /// <inheritdoc cref="Checkup.RunAsync"/>
    public static async Task<NetcheckDto> RunAsync(string configPath, string? socketPath, string version, TimeProvider clock) =>
        Judge(await FactReader.ReadAsync(Path.GetFullPath(configPath), socketPath, version, clock).ConfigureAwait(false));

    /// <summary>Pure.</summary>
    internal static NetcheckDto Judge(HostFacts facts)
    {
        IPAddress[] own = [.. OwnAddresses(facts)];
        StatusDto? status = facts.Daemon.Status;
        Sight[] seen = [.. (status?.Peers ?? []).Select(peer => Sight.Of(peer, own)).OfType<Sight>()];
        NatKind nat = Kind(seen);
        Sight? visitor = seen.FirstOrDefault(sight => sight.Peer.Dialed == false);
        List<FindingDto> steps =
        [
            Step("addresses", AddressesOf(own)),
            Step("daemon", Daemon(facts)),
            Step("nat", Nat(nat, seen)),
            Step("reachable", Reachable(nat, visitor, seen)),
        ];
        if (facts.Config.Config is { } config)
        {
            steps.AddRange(FirewallChecks.Input(facts, config).Where(finding => !finding.IsSkip).Select(finding => Step("firewall", finding)));
        }

        steps.AddRange(seen.Select(sight => Step("path", OfPath(sight.Peer))));
        FindingSeverity severity = steps.Max(step => step.Severity);
        return new NetcheckDto
        {
            Severity = severity,
            Answer = Answer(facts, nat, visitor, seen),
            Nat = nat,
            Reachable = visitor is null ? null : true,
            Addresses = [.. own.Select(address => address.ToString())],
            Listen = status?.Listen ?? [],
            Seen = [.. seen.Select(sight => sight.ToDto())],
            Steps = steps,
        };
    }

    private static IEnumerable<IPAddress> OwnAddresses(HostFacts facts)
    {
        HashSet<string> tunnels = [.. facts.Daemon.Status?.Networks.Select(network => network.Interface) ?? [], .. facts.Config.Config?.Networks.Select(network => network.Interface) ?? []];
        return facts.Network.Addresses
            .Where(one => !tunnels.Contains(facts.Network.NameOf(one.InterfaceIndex)))
            .Select(one => one.Address.Address)
            .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal && !(address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes() is [169, 254, ..]))
            .Distinct();
    }

    private static NatKind Kind(Sight[] seen)
    {
        if (seen.Length == 0)
        {
            return NatKind.Unknown;
        }

        // Of those behind a translator, each once: two peers at one address may well share a mapping even so.
        Sight[] translated = [.. seen.Where(sight => sight.IsTranslated)];
        if (translated.Length == 0)
        {
            return NatKind.None;
        }

        foreach (IGrouping<AddressFamily, Sight> family in translated.GroupBy(sight => sight.SeenAs.AddressFamily))
        {
            if (family.Select(sight => sight.SeenAs).Distinct().Count() > 1)
            {
                return NatKind.EndpointDependent;
            }
        }

        return translated.Select(sight => sight.Peer.Address).Distinct().Count() > 1 ? NatKind.EndpointIndependent : NatKind.Unknown;
    }

    private static Finding AddressesOf(IPAddress[] own)
    {
        bool hasV4 = own.Any(address => address.AddressFamily == AddressFamily.InterNetwork);
        bool hasV6 = own.Any(IsGlobalV6);
        string list = string.Join(", ", own.AsEnumerable());
        return own.Length == 0 ? Finding.Error("this host has no address that others could reach", cure: "see 'ip address' and 'ip link'")
            : hasV4 && !hasV6 ? Finding.Info($"{list}; no global IPv6 address", "where both ends have IPv6 there is mostly no translator between them")
            : Finding.Ok(list);
    }

    private static Finding Daemon(HostFacts facts) => facts.Daemon.Status is { } status
        ? Finding.Ok($"it listens on {string.Join(", ", status.Listen)}; {status.Peers.Count(peer => peer.State == PeerState.Connected)} of {PeerChecks.Count(status.Peers.Count, "peer")} connected")
        : Finding.Error("no daemon answers, so nobody tells how this host is seen", facts.Daemon.Problem, "start it: systemctl start vibepn");

    private static Finding Nat(NatKind kind, Sight[] seen)
    {
        Sight[] translated = [.. seen.Where(sight => sight.IsTranslated)];
        string mappings = string.Join(", ", translated.Select(sight => sight.SeenAs).Distinct());
        return kind switch
        {
            NatKind.None => Finding.Ok($"none: {PeerChecks.Count(seen.Length, "peer")} {(seen.Length == 1 ? "sees" : "see")} this host at its own address"),
            NatKind.EndpointIndependent => Finding.Ok($"peers see this host at {mappings}, all at the same: the translator keeps one mapping"),
            NatKind.EndpointDependent => Finding.Warning(
                $"each peer sees this host elsewhere: {mappings}",
                "the translator makes a new mapping for each peer, or there are several lines: nobody can dial this host",
                "forward the UDP port on the router, or see to it that this host dials: give its peers' entries an address"),
            _ when translated.Length > 0 => Finding.Info($"there is one: {mappings} is what {translated[0].Peer.Name} sees", "a second peer at another address shows of which kind it is"),
            _ => Finding.Info("not known: no peer is connected that says how it sees this host"),
        };
    }

    private static Finding Reachable(NatKind kind, Sight? visitor, Sight[] seen) => visitor is not null
        ? Finding.Ok($"{visitor.Peer.Name} has dialed this host, at {visitor.SeenAs}")
        : Finding.Info(
            kind == NatKind.None ? "no peer has dialed this host so far" : $"no peer has dialed this host so far; whether one could is {(seen.Length == 0 ? "not known" : "for the router to say")}",
            kind == NatKind.None ? null : "a translator lets strangers in where the port is forwarded");

    private static Finding OfPath(PeerDto peer)
    {
        string what = string.Create(
            CultureInfo.InvariantCulture,
            $"{peer.Name} at {peer.Address}: {(peer.RttMillis is { } rtt ? $"{rtt:0.0} ms" : "? ms")}, packets of {peer.MtuBytes?.ToString(CultureInfo.InvariantCulture) ?? "?"} bytes{(peer.Loss is { } loss and > 0.001 ? $", {loss * 100:0.0} % lost" : "")}");
        return peer switch
        {
            { UnansweredMillis: not null } => Finding.Warning($"{what}; unanswered for {peer.UnansweredMillis:0} ms"),
            { MtuState: MtuState.Capped } => Finding.Info($"{what}; it has carried more"),
            _ => Finding.Ok(what),
        };
    }

    private static string Answer(HostFacts facts, NatKind nat, Sight? visitor, Sight[] seen) => facts.Daemon.Status is not { } status ? "no daemon answers; this is what the host alone shows"
        : seen.Length == 0 ? $"none of {PeerChecks.Count(status.Peers.Count, "peer")} says how it sees this host"
        : nat switch
        {
            NatKind.None => visitor is null ? "no translator on the way; this host dials, and could be dialed as far as can be seen" : "no translator on the way; peers dial this host",
            NatKind.EndpointDependent => "behind a translator that nobody can dial through: this host has to dial",
            _ => visitor is null ? "behind a translator; this host dials" : "behind a translator that lets peers dial this host",
        };

    private static FindingDto Step(string check, Finding finding) => new()
    {
        Severity = finding.Severity,
        Check = check,
        What = finding.What,
        Cause = finding.Cause,
        Cure = finding.Cure,
        Place = finding.Place,
    };

    /// <summary>2000::/3, RFC 4291 §2.4.</summary>
    private static bool IsGlobalV6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 && (address.GetAddressBytes()[0] & 0xe0) == 0x20;

    /// <summary>A peer that says how it sees this host.</summary>
    private sealed record Sight(PeerDto Peer, IPEndPoint SeenAs, bool IsTranslated)
    {
        public static Sight? Of(PeerDto peer, IPAddress[] own)
        {
            if (peer.State != PeerState.Connected || !IPEndPoint.TryParse(peer.SeenAs ?? "", out IPEndPoint? at))
            {
                return null;
            }

            at.Address = at.Address.IsIPv4MappedToIPv6 ? at.Address.MapToIPv4() : at.Address;
            return new Sight(peer, at, !own.Contains(at.Address) && !IPAddress.IsLoopback(at.Address));
        }

        public SeenDto ToDto() => new()
        {
            Peer = Peer.Name,
            Address = Peer.Address,
            SeenAs = SeenAs.ToString(),
            Translated = IsTranslated,
            RttMillis = Peer.RttMillis,
            MtuBytes = Peer.MtuBytes,
        };
    }
}
