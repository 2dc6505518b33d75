using System.Globalization;

namespace VibePN.Config;

/// <summary>In what two configs differ, in the words of the file. Order, spelling and comments make no difference.</summary>
public static class ConfigDifference
{
    /// <summary>Networks first, then peers, then the tables that there is one of.</summary>
    public static IReadOnlyList<ConfigChange> Between(NodeConfig before, NodeConfig after)
    {
        List<ConfigChange> changes = [];
        AddNetworks(changes, before, after);
        AddPeers(changes, before, after);
        Compare(changes, "node", null, NodeFacts(before), NodeFacts(after));
        Compare(changes, "identity", null, IdentityFacts(before.Identity), IdentityFacts(after.Identity));
        Compare(changes, "tuning", null, TuningFacts(before.Tuning), TuningFacts(after.Tuning));
        return changes;
    }

    private static void AddNetworks(List<ConfigChange> changes, NodeConfig before, NodeConfig after)
    {
        Dictionary<string, NetworkConfig> old = before.Networks.ToDictionary(network => network.Name);
        foreach (NetworkConfig gone in before.Networks.Where(network => !after.Networks.Any(other => other.Name == network.Name)))
        {
            changes.Add(new ConfigChange(ConfigChangeKind.Removed, "network", gone.Name, null, Describe(gone), null));
        }

        foreach (NetworkConfig network in after.Networks)
        {
            if (old.TryGetValue(network.Name, out NetworkConfig? known))
            {
                Compare(changes, "network", network.Name, Facts(known), Facts(network));
            }
            else
            {
                changes.Add(new ConfigChange(ConfigChangeKind.Added, "network", network.Name, null, null, Describe(network)));
            }
        }
    }

    private static void AddPeers(List<ConfigChange> changes, NodeConfig before, NodeConfig after)
    {
        List<PeerConfig> gone = [.. before.Peers];
        List<ConfigChange> news = [];
        foreach (PeerConfig peer in after.Peers)
        {
            // By name, else the one that only has another name now: its connection stays.
            PeerConfig? known = before.Peers.FirstOrDefault(other => other.Name == peer.Name)
                ?? before.Peers.FirstOrDefault(other => other.Fingerprint == peer.Fingerprint && peer.Fingerprint is not null
                    && !after.Peers.Any(there => there.Name == other.Name));
            if (known is null)
            {
                news.Add(new ConfigChange(ConfigChangeKind.Added, "peer", peer.Name, null, null, Describe(peer)));
                continue;
            }

            _ = gone.Remove(known);
            Compare(news, "peer", known.Name, Facts(known), Facts(peer));
        }

        changes.AddRange(gone.Select(peer => new ConfigChange(ConfigChangeKind.Removed, "peer", peer.Name, null, Describe(peer), null)));
        changes.AddRange(news);
    }

    private static void Compare(List<ConfigChange> changes, string what, string? name, IReadOnlyList<Fact> before, IReadOnlyList<Fact> after)
    {
        foreach ((Fact old, Fact now) in before.Zip(after))
        {
            if (old.Value != now.Value)
            {
                changes.Add(new ConfigChange(ConfigChangeKind.Changed, what, name, old.Key, old.Value, now.Value) { NeedsRestart = old.NeedsRestart });
            }
        }
    }

    private static string Describe(NetworkConfig network) => $"{List(network.Prefixes)} on {network.Interface}";

    private static string Describe(PeerConfig peer) =>
        $"{List(peer.DialAddresses) ?? "dials us"}, networks {List(peer.Networks) ?? "none"}";

    private static Fact[] Facts(NetworkConfig network) =>
    [
        new("prefixes", List(network.Prefixes)),
        new("address", List(network.Addresses.Select(address => (object?)address ?? "auto"))),
        new("interface", network.Interface),
        new("export", Flag(network.Export)),
        new("routes", List(network.Routes.Select(route => route.ToString()).Order(StringComparer.Ordinal))),
        new("metric", network.Metric.ToString(CultureInfo.InvariantCulture)),
        new("accept_routes", Flag(network.AcceptRoutes)),
        new("mtu", network.Mtu is { } mtu ? mtu.ToString(CultureInfo.InvariantCulture) : "auto"),
    ];

    private static Fact[] Facts(PeerConfig peer) =>
    [
        new("name", peer.Name),
        new("address", List(peer.DialAddresses)),
        new("fingerprint", peer.Fingerprint?.ToString()),
        new("networks", List(peer.Networks.Order(StringComparer.Ordinal))),
        new("allow_routes", List(peer.AllowRoutes.Select(route => route.ToString()).Order(StringComparer.Ordinal))),
        new("addresses", List(peer.Addresses.Select(address => address.ToString()).Order(StringComparer.Ordinal))),
        new("introduces", Flag(peer.Introduces)),
    ];

    private static Fact[] NodeFacts(NodeConfig config) =>
    [
        new("name", config.Node.Name),
        new("listen", config.Node.Listen.ToString()),
        new("metrics", config.Node.Metrics?.ToString() ?? "off"),
        new("otlp", config.Node.Otlp?.ToString() ?? "off"),
        new("trust", config.Node.Trust == TrustMode.FirstUse ? "tofu" : "pinned"),
        new("socket", config.Node.Socket, NeedsRestart: true),
        new("state", config.Node.State, NeedsRestart: true),
    ];

    private static Fact[] IdentityFacts(IdentityConfig identity) =>
    [
        // What is in the files is another question.
        new("cert", identity.CertPath),
        new("key", identity.KeyPath),
        new("fingerprint", identity.Fingerprint?.ToString()),
    ];

    private static Fact[] TuningFacts(TuningSettings tuning) =>
    [
        new("tun_offloads", Flag(tuning.TunOffloads), NeedsRestart: true),
        new("udp_gso", Flag(tuning.UdpGso), NeedsRestart: true),
        new("udp_gro", Flag(tuning.UdpGro), NeedsRestart: true),
        new("crypto", tuning.Crypto switch { CryptoChoice.GnuTls => "gnutls", CryptoChoice.IpsecMb => "ipsec-mb", _ => "auto" }, NeedsRestart: true),
    ];

    private static string? List<T>(IEnumerable<T> items) => string.Join(", ", items) is { Length: > 0 } text ? text : null;

    private static string Flag(bool value) => value ? "true" : "false";

    /// <summary>A key and its value as text; null: empty.</summary>
    private readonly record struct Fact(string Key, string? Value, bool NeedsRestart = false);
}
