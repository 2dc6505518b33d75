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

    /// <summary>What is known of a node that shows any member of it; null: nothing.</summary>
    public Lineage? LineageOf(Lineage shown)
    {
        foreach (PeerId member in shown.Members)
        {
            if (_lineages.TryGetValue(member, out Lineage? known))
            {
                return known;
            }
        }

        return null;
    }

    public PeerConfig? Find(string name) => _byName.GetValueOrDefault(name);
}
