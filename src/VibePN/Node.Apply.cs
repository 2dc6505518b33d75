// A changed config, taken into use while everything runs: what did not change is not touched.
using VibePN.Config;
using VibePN.Control;
using VibePN.Peers;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>
    /// Takes another config into use: peers (known by their fingerprint) and networks (known by name and interface) come, go and change.
    /// A connection stays unless its peer's entry is gone, and is told only what concerns it. Of <c>[node]</c> the name is
    /// taken, for later Hellos; the rest of it, <c>[identity]</c> and <c>[tuning]</c> belong to whoever made this node. What is remembered of
    /// peers stays until <see cref="Settle(Instant)"/>: the config of before can be taken into use again.
    /// </summary>
    /// <param name="interfaceIndex">Of a network that is new: its interface has to exist by now. Asked before anything is changed.</param>
    /// <exception cref="InvalidOperationException">More networks than one process takes; nothing has changed.</exception>
    public NodeChange Apply(NodeConfig config, Func<NetworkConfig, int> interfaceIndex, Instant now)
    {
        _now = now;
        var news = config.Networks.Where(network => !_live.Exists(own => IsOf(own, network))).ToList();
        if (_networks.Count + news.Count > Limits.NetworksPerProcess)
        {
            throw new InvalidOperationException($"more than {Limits.NetworksPerProcess} networks since the start; restart the daemon");
        }

        var interfaces = news.ConvertAll(network => interfaceIndex(network));
        _file = config;
        JoinKnown(takesIntroductions: true);
        config = _config;
        var (changed, added, removed) = ApplyPeers(config);
        var touched = new HashSet<NodeNetwork>();
        var closed = _live.Where(own => !config.Networks.Any(network => IsOf(own, network))).ToList();
        closed.ForEach(Close);
        var withdrawn = ConfigureNetworks(config, touched);
        var opened = news.Zip(interfaces, OpenNetwork).ToList();
        touched.UnionWith(opened);
        _live = [.. config.Networks.Select(network => _networks.FindLast(own => IsOf(own, network))!)];
        foreach (var link in _peers.Values.SelectMany(peer => peer.Connections).Concat(_unknown))
        {
            link.GrowTo(_networks.Count);
        }

        foreach (var link in _peers.Values.SelectMany(peer => peer.Connections).Where(link => link.IsUp).ToList())
        {
            SendNetworks(link);
            AskForIntroductions(link);
            TellRoutes(link, withdrawn);
            if (link.Legacy is { } legacy)
            {
                JoinLegacy(link, legacy);
            }
            else if (link.Session.PeerNetworks is { } list)
            {
                foreach (var network in _live.Where(network => touched.Contains(network) || changed.Contains(link.Peer!)).ToList())
                {
                    Join(link, network, list);
                    RejudgeAnnounced(link.Peer!, network);
                }
            }
        }

        _ = ConfigureLocal();
        foreach (var network in touched)
        {
            network.Routes.Judge(_now.UtcSeconds);
        }

        TakeRoutesIntoUse();
        TellOf(changed);
        TellOfAll();
        if (touched.Count + closed.Count > 0)
        {
            HostStateVersion++;
            _memoryChanges++;
        }

        Log.ConfigApplied(_logger, _live.Count, opened.Count, closed.Count, _peers.Count, added, removed);
        return new NodeChange(opened, [.. closed.Select(network => network.Index)]);
    }

    /// <summary>The same name on another interface is another network: its packets come from elsewhere.</summary>
    private static bool IsOf(NodeNetwork own, NetworkConfig network) => own.Name == network.Name && own.Config.Interface == network.Interface;

    private void Close(NodeNetwork network)
    {
        // The sum of the versions must not come to the same number again.
        _memoryChanges++;
        _past[network.Name] = network.Memory;
        network.Retire(_now.UtcSeconds);
        foreach (var link in _peers.Values.SelectMany(peer => peer.Connections))
        {
            link.SendTags[network.Index] = 0;
            link.NetworkProblems[network.Index] = null;
        }
    }

    /// <returns>By network: what was announced and is no longer. Networks with news for peers have an entry, if only an empty one.</returns>
    private Dictionary<NodeNetwork, IReadOnlyList<Prefix>> ConfigureNetworks(NodeConfig config, HashSet<NodeNetwork> touched)
    {
        var withdrawn = new Dictionary<NodeNetwork, IReadOnlyList<Prefix>>();
        foreach (var network in config.Networks)
        {
            if (_live.Find(candidate => IsOf(candidate, network)) is not { } own)
            {
                continue;
            }

            var (before, metric) = (own.OwnRoutes, own.Config.Metric);
            if (own.Configure(network, ReservedIn(config, network)))
            {
                touched.Add(own);
            }

            if (!before.SequenceEqual(own.OwnRoutes) || (metric != network.Metric && before.Count > 0))
            {
                withdrawn[own] = [.. before.Except(own.OwnRoutes)];
            }
        }

        return withdrawn;
    }

    private void TellRoutes(PeerConnection link, Dictionary<NodeNetwork, IReadOnlyList<Prefix>> withdrawn)
    {
        foreach (var (network, prefixes) in withdrawn.Where(changed => link.SendTags[changed.Key.Index] != 0))
        {
            foreach (var some in prefixes.Chunk(RoutesPerMessage))
            {
                link.Send(new Withdraw(network.Name, some));
            }

            SendRoutes(link, network);
        }
    }

    /// <summary>Under the rights that the peer's entry gives it now.</summary>
    private void RejudgeAnnounced(Peer peer, NodeNetwork network)
    {
        if (network.Announced.TryGetValue(peer.Id, out var mine))
        {
            Claim(peer, network, RouteSource.Announced, mine.Offers);
        }
    }

    /// <returns>The peers that are new or have another entry, and how many came and went.</returns>
    private (HashSet<Peer> Changed, int Added, int Removed) ApplyPeers(NodeConfig config)
    {
        var entries = ById(config);
        var gone = _peers.Values.Where(peer => !entries.ContainsKey(peer.Id)).ToList();
        gone.ForEach(RemovePeer);
        _peersByName.Clear();
        foreach (var peer in _peers.Values)
        {
            _peersByName.Add(entries[peer.Id].Name, peer);
        }

        var changed = new HashSet<Peer>();
        var added = 0;
        foreach (var (id, entry) in entries)
        {
            if (!_peers.TryGetValue(id, out var peer))
            {
                changed.Add(AddPeer(entry, id));
                added++;
            }
            else if (!IsSame(peer.Config, entry))
            {
                changed.Add(peer);
                ChangePeer(peer, entry);
            }
        }

        return (changed, added, gone.Count);
    }

    private Peer AddPeer(PeerConfig entry, PeerId id)
    {
        var peer = new Peer(entry, id, new FairQueue(Limits.PeerQueueBytes, _queueMemory, _flowSalt, _queueDropped))
        {
            ChangedNanos = _now.Nanos,
            IsUnseen = entry.Fingerprint is null,
            First = FirstOf(id),
        };
        _peers.Add(id, peer);
        _peersByName.Add(entry.Name, peer);
        if (entry.Address is not null)
        {
            // The smaller of the two dials first; see Admission of duplicates in docs/protocol.md.
            peer.NextDialNanos = _now.Nanos + (Self.CompareTo(peer.First) > 0 ? DialPolicy.LargerNodeDelayNanos : 0);
            ScheduleControl(peer.NextDialNanos);
        }

        return peer;
    }

    private void RemovePeer(Peer peer)
    {
        peer.IsRemoved = true;
        if (_introductions.IsAsker(peer.Id))
        {
            TellOf(peer);
        }

        foreach (var link in peer.Connections.ToArray())
        {
            link.Quic.Close((ulong)CloseReason.Removed, "removed from the config");
        }

        foreach (var network in _live)
        {
            network.Forget(peer.Id, _now.UtcSeconds);
        }

        _strangers.AddDrops(peer.Counters);
        _peers.Remove(peer.Id);
        _memoryChanges++;
    }

    private void ChangePeer(Peer peer, PeerConfig entry)
    {
        var isElsewhere = !peer.Config.DialAddresses.SequenceEqual(entry.DialAddresses);
        var isHearsay = peer.Config.Trust == PeerTrust.Introduction && entry.Trust == PeerTrust.Introduction;
        peer.Configure(entry);
        if (!isElsewhere)
        {
            return;
        }

        if (isHearsay)
        {
            peer.MoveNanos = Math.Max(_now.Nanos, peer.MovedNanos == 0 ? 0 : peer.MovedNanos + DialPolicy.HearsayMoveNanos);
            ScheduleControl(peer.MoveNanos);
            return;
        }

        // A connection that is up stays; an attempt to reach the old address does not.
        peer.IsResolving = false;
        peer.DialAddresses = [];
        peer.Launched = 0;
        Supersede(peer, winner: null);
        peer.Succeed();
        peer.NextDialNanos = entry.Address is null || peer.IsUp ? ulong.MaxValue : _now.Nanos;
        ScheduleControl(peer.NextDialNanos);
    }

    /// <summary>An introduced peer is said to be elsewhere: it is looked for there from now on, at the pace of before.</summary>
    private void TakeAddresses(Peer peer)
    {
        (peer.MoveNanos, peer.MovedNanos) = (ulong.MaxValue, _now.Nanos);
        peer.DialAddresses = [];
        if (peer is { NextDialNanos: ulong.MaxValue, IsUp: false, IsDialing: false, Config.Address: not null })
        {
            StartDialing(peer);
        }
    }

    private static bool IsSame(PeerConfig one, PeerConfig other) =>
        one.Name == other.Name && one.Trust == other.Trust && one.Introduces == other.Introduces && one.IntroducedBy.SequenceEqual(other.IntroducedBy)
        && one.DialAddresses.SequenceEqual(other.DialAddresses) && one.Fingerprint == other.Fingerprint && one.Networks.SequenceEqual(other.Networks)
        && one.AllowRoutes.SequenceEqual(other.AllowRoutes) && one.Addresses.SequenceEqual(other.Addresses);
}
