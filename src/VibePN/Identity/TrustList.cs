using VibePN.Config;

namespace VibePN.Identity;

/// <summary>Who is believed, built from the config's pins. Immutable; replaced whole when the config changes.</summary>
public sealed class TrustList
{
    private readonly Dictionary<PeerId, PeerConfig> _byId = [];
    private readonly Dictionary<string, PeerConfig> _byName = new(StringComparer.Ordinal);

    private TrustList(PeerId self, TrustMode mode)
    {
        Self = self;
        Mode = mode;
    }

    /// <summary>The own id: who presents it is ourselves, dialed by mistake.</summary>
    public PeerId Self { get; }

    public TrustMode Mode { get; }

    public static TrustList Create(NodeConfig config, PeerId self)
    {
        TrustList list = new(self, config.Node.Trust);
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
