using System.Globalization;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Facts;

namespace VibePN.Doctor.Checks;

/// <summary>The peers, as the daemon sees them.</summary>
internal static class PeerChecks
{
    private const string None = "no daemon answers";

    /// <summary>Until the daemon takes action itself.</summary>
    private const double LongMillis = 3000;

    private const int LeastMtu = 1280;

    public static IEnumerable<Finding> Twins(HostFacts facts, NodeConfig config)
    {
        List<Finding> findings = [];
        for (int i = 0; i < config.Peers.Count; i++)
        {
            PeerConfig one = config.Peers[i];
            foreach (PeerConfig other in config.Peers.Skip(i + 1))
            {
                string? place = facts.Config.Places?.OfPeer(other.Name, "name");
                if (one.Fingerprint is { } pin && other.Fingerprint is { } twin && facts.Lineages.Any(keys => keys.Has(pin) && keys.Has(twin)))
                {
                    findings.Add(Finding.Error(
                        $"the entries {one.Name} and {other.Name} are one node: their fingerprints are keys of one succession",
                        "neither is let in while both are there",
                        $"vibepn remove-peer {other.Name}",
                        place));
                }
                else if (one.DialAddresses.Any(other.DialAddresses.Contains))
                {
                    HostPort shared = one.DialAddresses.First(other.DialAddresses.Contains);
                    findings.Add(Finding.Warning(
                        $"the entries {one.Name} and {other.Name} have the same address, {shared}",
                        "one node answers there, and is refused for the other entry",
                        "vibepn remove-peer, of the one that is superfluous; or correct its address",
                        place));
                }
            }
        }

        return findings.Count > 0 ? findings
            : facts.State?.Unreadable is null ? [Finding.Skip("what the daemon has learned of keys may not be read by this user; run as root")]
            : [Finding.Ok("each entry is another node")];
    }

    public static IEnumerable<Finding> Names(HostFacts facts, NodeConfig config)
    {
        Finding[] findings =
        [
            .. config.Peers.Where(peer => peer.Address is { } address && facts.Names.TryGetValue(address.Host, out NameFacts? name) && name.Problem is not null).Select(peer => Finding.Warning(
                $"{peer.Address!.Value.Host}, the address of peer {peer.Name}, does not resolve: {facts.Names[peer.Address.Value.Host].Problem}",
                "it cannot be dialed before it does",
                "mend the name, or resolv.conf; or set an IP address",
                facts.Config.Places?.OfPeer(peer.Name, "address"))),
        ];
        return findings.Length > 0 ? findings : [Finding.Ok(facts.Names.Count == 0 ? "no peer has a host name" : $"{Count(facts.Names.Count, "host name")} resolved")];
    }

    public static IEnumerable<Finding> State(HostFacts facts)
    {
        if (facts.Daemon.Status is not { } status)
        {
            return [Finding.Skip(None)];
        }

        List<Finding> findings = [.. status.Peers.Select(peer => OfPeer(status, peer)).OfType<Finding>()];
        if (findings.Count < status.Peers.Count || status.Peers.Count == 0)
        {
            findings.Add(Finding.Ok(status.Peers.Count == 0 ? "there are no peers yet" : $"{Count(status.Peers.Count - findings.Count, "peer")} connected"));
        }

        return findings;
    }

    public static IEnumerable<Finding> Mtu(HostFacts facts)
    {
        if (facts.Daemon.Status is not { } status)
        {
            return [Finding.Skip(None)];
        }

        Finding[] findings =
        [
            .. status.Peers.Where(peer => peer.State == PeerState.Connected).Select(peer => peer switch
            {
                { MtuState: MtuState.Capped, MtuBytes: { } mtu } => Finding.Info(
                    $"the path to {peer.Name} carries {mtu} bytes and has carried more",
                    "something on the way loses large packets; smaller ones are sent until it carries them again"),
                { MtuState: MtuState.Settled, MtuBytes: { } mtu and < LeastMtu } => Finding.Info(
                    $"the path to {peer.Name} carries packets of {mtu} bytes only",
                    $"larger ones, up to {LeastMtu} bytes as IPv6 demands, go in fragments, which costs speed"),
                { BlackHoles: { } holes and > 0 } => Finding.Info(
                    string.Create(CultureInfo.InvariantCulture, $"the path to {peer.Name} has lost what it had carried {holes} {(holes == 1 ? "time" : "times")}"),
                    "a router on the way changed, or loses large packets now and then"),
                _ => null,
            }).OfType<Finding>(),
        ];
        return findings.Length > 0 ? findings : [Finding.Ok("no path loses large packets")];
    }

    /// <returns>Null: it is connected and answers.</returns>
    internal static Finding? OfPeer(StatusDto status, PeerDto peer)
    {
        if (peer.CopiesAt is { } copies)
        {
            return Finding.Error(
                $"two hosts run with the key of {peer.Name}, at {copies}",
                "one is a copy of the other, with its disk; they push each other out again and again",
                "on the copy: stop vibepn, give it a key of its own with 'vibepn init --force', and let it in under another name");
        }

        string? reason = Readable(peer.Reason);
        switch (peer.State)
        {
            case PeerState.Connected when peer.UnansweredMillis is { } millis and > LongMillis:
                return Finding.Warning(
                    string.Create(CultureInfo.InvariantCulture, $"{peer.Name} is connected but has not answered for {millis / 1000:0.0} s"),
                    "its host or the way to it has just gone; another connection is tried by itself");
            case PeerState.Connected:
                return null;
            case PeerState.RefusedByPeer when peer.Trust == PeerTrustSource.Introduction:
                return Finding.Warning(
                    $"{peer.Name} refuses this node, though {string.Join(" and ", peer.IntroducedBy)} introduces the two",
                    reason ?? "it has not been told yet, or has removed this node",
                    $"look at 'vibepn peers' on {peer.Name}: whether {peer.IntroducedBy[0]} is connected there, and whether this node is kept out");
            case PeerState.RefusedByPeer:
                return Finding.Error(
                    $"{peer.Name} refuses this node",
                    reason ?? "its config does not have this node's fingerprint",
                    $"on {peer.Name}: vibepn add-peer --name {status.Name} --fingerprint {status.Id}");
            case PeerState.RefusedByUs:
                return Finding.Error(
                    $"this node refuses {peer.Name}",
                    reason ?? "its certificate is not the one of the config",
                    $"if that is right: vibepn add-peer --update --name {peer.Name} --fingerprint FINGERPRINT, as 'vibepn status' shows it there");
            case PeerState.Unreachable:
                return Finding.Warning(
                    $"{peer.Name} cannot be reached{(peer.Address is null ? "" : $" at {peer.Address}")}",
                    reason,
                    $"run 'vibepn doctor' on {peer.Name}: its daemon, its port, its firewall, the router before it");
            case PeerState.Dialing:
                return Finding.Info($"{peer.Name} is being dialed", reason);
            default:
                return Finding.Info($"{peer.Name} is not connected", reason ?? "it has to dial this node");
        }
    }

    /// <summary>Words may come from the other node.</summary>
    private static string? Readable(string? text) => text is null ? null : string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));

    internal static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
