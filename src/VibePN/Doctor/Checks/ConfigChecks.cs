using VibePN.Config;
using VibePN.Doctor.Facts;

namespace VibePN.Doctor.Checks;

/// <summary>What can be said of the config file by itself.</summary>
internal static class ConfigChecks
{
    public static IEnumerable<Finding> File(HostFacts facts)
    {
        ConfigFacts config = facts.Config;
        return config switch
        {
            { IsHidden: true } => [Finding.Skip($"{config.Path} may not be read by this user; run as root")],
            { Config: not null } => [Finding.Ok($"{config.Path} loads")],
            _ => config.Errors.Select(error => Finding.Error(
                error.Message,
                error.Line > 0 ? "the daemon does not start with it, and a running one does not take it into use" : null,
                place: error.Line > 0 ? $"{error.File}:{error.Line}" : error.File)),
        };
    }

    public static IEnumerable<Finding> Meaning(HostFacts facts, NodeConfig config)
    {
        List<Finding> findings =
        [
            .. config.Warnings.Select(warning => Finding.Warning(warning.Message, place: warning.Line > 0 ? $"{warning.File}:{warning.Line}" : warning.File)),
        ];
        // Those that came by invite are not in the file.
        if (config.Peers.Count == 0 && facts.Daemon.Status is not { Peers.Count: > 0 })
        {
            findings.Add(Finding.Info("there are no peers yet", cure: "vibepn invite, on the other host vibepn join"));
        }

        foreach (PeerConfig peer in config.Peers)
        {
            findings.AddRange(OfPeer(facts, config, peer));
        }

        return findings.Count > 0 ? findings : [Finding.Ok("nothing in it contradicts itself")];
    }

    private static IEnumerable<Finding> OfPeer(HostFacts facts, NodeConfig config, PeerConfig peer)
    {
        ConfigPlaces? places = facts.Config.Places;
        if (peer.Fingerprint is { } pin && pin == facts.Identity?.Id)
        {
            yield return Finding.Warning(
                $"peer {peer.Name} has this node's own fingerprint",
                cure: $"set the one that 'vibepn status' shows on {peer.Name}",
                place: places?.OfPeer(peer.Name, "fingerprint"));
        }

        if (peer.Address is null && config.Node.Listen.Port == 0)
        {
            yield return Finding.Warning(
                $"peer {peer.Name} has no address, so it has to dial us, but our port is another after each start",
                cure: "set a port in [node] listen, or the peer's address",
                place: places?.Of("node", "listen"));
        }

        if (peer.Address is not { Literal: { } target } address)
        {
            yield break;
        }

        if (config.Networks.SelectMany(network => network.Prefixes.Select(prefix => (network.Name, Prefix: prefix))).FirstOrDefault(own => own.Prefix.Contains(target)) is { Name: { } name } inside)
        {
            yield return Finding.Warning(
                $"the address of peer {peer.Name}, {target}, is inside of network {name} ({inside.Prefix})",
                "it is to be where the peer is reached without VibePN; the tunnel cannot lead into itself",
                place: places?.OfPeer(peer.Name, "address"));
        }

        if (address.Port == config.Node.Listen.Port && facts.Network.Addresses.Any(own => own.Address.Address.Equals(target)))
        {
            yield return Finding.Warning(
                $"the address of peer {peer.Name}, {address}, is this host's own",
                cure: "set the address of the other host",
                place: places?.OfPeer(peer.Name, "address"));
        }
    }
}
