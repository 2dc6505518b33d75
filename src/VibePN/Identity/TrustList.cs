using VibePN.Config;

namespace VibePN.Identity;

/// <summary>Who is believed, built from the pins of the config and of what is remembered. Replaced whole when those change.</summary>
public sealed class TrustList
{
    private readonly Dictionary<PeerId, PeerConfig> _byId = [];
    private readonly Dictionary<string, PeerConfig> _byName = new(StringComparer.Ordinal);

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
    public static TrustList Create(NodeConfig config, PeerId self, InviteBook? invites = null)
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

        return list;
    }

    /// <summary>The entry that pins <paramref name="id"/>, or null.</summary>
    public PeerConfig? Find(PeerId id) => _byId.GetValueOrDefault(id);

    public PeerConfig? Find(string name) => _byName.GetValueOrDefault(name);
}
