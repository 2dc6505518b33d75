using VibePN.Config;

namespace VibePN.Identity;

/// <summary>Who is believed, built from the pins of the config and of what is remembered. Replaced whole when those change.</summary>
public sealed class TrustList
{
    private readonly Dictionary<PeerId, PeerConfig> _byId = [];
    private readonly Dictionary<string, PeerConfig> _byName = new(StringComparer.Ordinal);

    private readonly Dictionary<PeerId, Lineage> _lineages = [];
    private readonly HashSet<string> _networks;

    private TrustList(PeerId self, NodeConfig config, InviteBook invites)
    {
        Self = self;
        Mode = config.Node.Trust;
        Invites = invites;
        _networks = [.. config.Networks.Select(network => network.Name)];
    }

    /// <summary>The own id: who presents it is ourselves, dialed by mistake.</summary>
    public PeerId Self { get; }

    public TrustMode Mode { get; }

    /// <summary>By these strangers may come in. The one thing here that changes.</summary>
    public InviteBook Invites { get; }

    public bool HasNetwork(string name) => _networks.Contains(name);

    /// <param name="invites">Null: none.</param>
    /// <param name="lineages">Successions that peers have shown; null: none.</param>
    public static TrustList Create(NodeConfig config, PeerId self, InviteBook? invites = null, IReadOnlyList<Lineage>? lineages = null)
    {
        TrustList list = new(self, config, invites ?? new InviteBook([]));
        foreach (PeerConfig peer in config.Peers)
        {
            list._byName.Add(peer.Name, peer);
            if (peer.Fingerprint is { } pin)
            {
                list._byId.Add(pin, peer);
            }
        }

        foreach (Lineage lineage in lineages ?? [])
        {
            foreach (PeerId member in lineage.Members)
            {
                list._lineages[member] = lineage;
            }
        }

        return list;
    }

    /// <summary>The entry that pins <paramref name="id"/>, or null.</summary>
    public PeerConfig? Find(PeerId id) => _byId.GetValueOrDefault(id);

    /// <summary>The successions that are known of the node with this fingerprint; null: none.</summary>
    public Lineage? LineageOf(PeerId member) => _lineages.GetValueOrDefault(member);

    /// <summary>The entry to which what a chain shows leads: it pins one of these fingerprints, or one that is known to be of the same node.</summary>
    /// <param name="isMixed">
    /// They lead to several entries, or to several nodes. An introduced entry yields to any other: an introducer that names a successor before its
    /// owner has shown it here would lock him out.
    /// </param>
    public PeerConfig? Owner(Lineage shown, out bool isMixed)
    {
        PeerConfig? owner = null;
        Lineage? known = null;
        isMixed = false;
        foreach (PeerId member in shown.Members)
        {
            Lineage? its = LineageOf(member);
            isMixed |= known is not null && its is not null && its != known;
            known ??= its;
            foreach (PeerId id in its?.Members ?? [member])
            {
                PeerConfig? entry = Find(id);
                if (entry is null || entry == owner || (owner is not null && entry.Trust == PeerTrust.Introduction))
                {
                    continue;
                }

                isMixed |= owner is not null && owner.Trust != PeerTrust.Introduction;
                owner = entry;
            }
        }

        return isMixed ? null : owner;
    }

    public PeerConfig? Find(string name) => _byName.GetValueOrDefault(name);
}
