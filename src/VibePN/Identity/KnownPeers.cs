using VibePN.Config;

namespace VibePN.Identity;

/// <summary>The config file's peers and the remembered ones together: whom the node deals with.</summary>
public static class KnownPeers
{
    /// <summary>
    /// The file comes first: what it pins needs no memory. A peer that came with an invite is an entry of its own behind the file's, in those
    /// of its networks that the file still has; an entry without a fingerprint gets the one seen on first use, if the file allows first use.
    /// </summary>
    public static NodeConfig Join(NodeConfig file, IReadOnlyList<RememberedPeer> remembered)
    {
        HashSet<PeerId> pinned = [.. file.Peers.Select(peer => peer.Fingerprint).OfType<PeerId>()];
        HashSet<string> names = [.. file.Peers.Select(peer => peer.Name)];
        List<PeerConfig> peers = [.. file.Peers];
        foreach (RememberedPeer seen in remembered.Where(one => one.Trust == PeerTrust.FirstUse && file.Node.Trust == TrustMode.FirstUse))
        {
            int index = peers.FindIndex(peer => IsUnpinned(peer) && peer.Name == seen.Name);
            if (index >= 0 && pinned.Add(seen.Id))
            {
                peers[index] = peers[index] with { Fingerprint = seen.Id, Trust = PeerTrust.FirstUse };
            }
        }

        foreach (RememberedPeer joined in remembered.Where(one => one.Trust == PeerTrust.Invite && pinned.Add(one.Id)))
        {
            string name = FreeName(joined.Name, names.Contains);
            _ = names.Add(name);
            peers.Add(new PeerConfig
            {
                Name = name,
                Fingerprint = joined.Id,
                Networks = [.. joined.Networks.Where(network => file.Networks.Any(own => own.Name == network))],
                AllowRoutes = joined.AllowRoutes,
                Trust = PeerTrust.Invite,
            });
        }

        return file with { Peers = peers };
    }

    /// <summary>What is still of use beside this file: not what the file pins itself, nor what was seen for an entry that is gone.</summary>
    /// <param name="lineages">Successions that peers have shown: the file may pin another key of the same node.</param>
    public static IReadOnlyList<RememberedPeer> Prune(NodeConfig file, IReadOnlyList<RememberedPeer> remembered, IReadOnlyList<Lineage> lineages)
    {
        HashSet<PeerId> pins = [.. file.Peers.Select(peer => peer.Fingerprint).OfType<PeerId>()];
        HashSet<PeerId> pinned = [.. pins, .. lineages.Where(keys => keys.Members.Any(pins.Contains)).SelectMany(keys => keys.Members)];
        return
        [
            .. remembered.Where(one => !pinned.Contains(one.Id)
                && (one.Trust != PeerTrust.FirstUse || file.Peers.Any(peer => peer.Name == one.Name && IsUnpinned(peer)))),
        ];
    }

    /// <summary>The file's entry of a node, whichever of its keys it names; null: it has none.</summary>
    /// <param name="lineages">Successions that peers have shown.</param>
    public static PeerConfig? Find(NodeConfig file, PeerId id, IReadOnlyList<Lineage> lineages) =>
        file.Peers.FirstOrDefault(peer => peer.Fingerprint == id)
        ?? file.Peers.FirstOrDefault(peer => peer.Fingerprint is { } pin && lineages.Any(keys => keys.Has(pin) && keys.Has(id)));

    /// <summary>The name itself, or the first of name-2, name-3 … that nobody has.</summary>
    public static string FreeName(string name, Func<string, bool> isTaken)
    {
        string free = name;
        for (int i = 2; isTaken(free); i++)
        {
            string suffix = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"-{i}");
            free = name[..Math.Min(name.Length, Names.MaxLength - suffix.Length)] + suffix;
        }

        return free;
    }

    /// <summary>Trusted on first use, where that is switched on.</summary>
    public static bool IsUnpinned(PeerConfig peer) => peer is { Fingerprint: null, Address: not null };
}
