// The life of keys: successions that peers show are learnt; after one of our own the peers are moved over; with its overlap a key's connections end.
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    private const string PeerKeyOverText = "your key has a successor, and the overlap is over";

    /// <summary>Such a connection is looked for anew: the peer will be shown the key of now.</summary>
    private const string OwnKeyOverText = "this node's key has a successor, and the overlap is over";

    /// <summary>A peer that could not be moved to the new key is tried again after this time.</summary>
    private const ulong RekeyRetryNanos = 300_000_000_000;

    private Lineage _ownLineage;

    /// <summary>By member; asked for each member and each introduction at each change.</summary>
    private readonly Dictionary<PeerId, Lineage> _lineageOf = [];

    /// <summary>
    /// The own key has a successor: new handshakes show it. Peers that are connected are dialed anew by it, make before break; what flows goes
    /// on meanwhile. Who cannot be moved stays on the connection of before until the overlap ends. The protocol of before knows nothing of this.
    /// </summary>
    public void ChangeKey(Lineage lineage, QuicCredentials credentials, Instant now)
    {
        _now = now;
        _endpoint.ChangeCredentials(credentials);
        var end = lineage.EndOf(_ownLineage.Current);
        _ownLineage = lineage;
        foreach (var link in _peers.Values.SelectMany(peer => peer.Connections).Concat(_unknown).Where(link => !link.Quic.IsClosed && link.Legacy is null))
        {
            link.ShowsFormerKey = true;
            EndKeyAt(link, end);
        }

        foreach (var peer in _peers.Values.ToList())
        {
            var attempts = peer.Connections.FindAll(static link => link.IsAttempt);
            foreach (var attempt in attempts)
            {
                attempt.IsSuperseded = true;
                attempt.Quic.Close((ulong)CloseReason.Duplicate, "dialing anew with another key");
            }

            if (peer.Active is { Legacy: null } active && !_leaving)
            {
                Rekey(active);
            }
            else if (attempts.Count > 0 && WantsConnection(peer))
            {
                StartDialing(peer);
            }
        }
    }

    /// <summary>The peer is dialed with the key of now. One that came up with the key of before, or was not reached, has its turn later.</summary>
    private void Rekey(PeerConnection link)
    {
        link.MoveUntilNanos = _now.Nanos + MoveNanos;
        link.RekeyNanos = _now.Nanos + RekeyRetryNanos;
        StartDialing(link.Peer!);
    }

    /// <summary>It is up, so TLS has shown that it holds the youngest key of what its chain proves.</summary>
    private void LearnLineage(PeerConnection link)
    {
        var peer = link.Peer!;
        if (link.Lineage is not { } shown || peer.Config.Fingerprint is not { } pin)
        {
            return;
        }

        var known = _trust.LineageOf(pin);
        if (known is null ? shown.Members.Count > 1 : shown.Extends(known))
        {
            if (known is not null)
            {
                _lineages.Remove(known);
            }

            _lineages.Add(shown);
            IndexLineages();
            PruneLineages();
            TrustChanged();
            JoinKnown();

            // Somebody may have been introduced by another of these keys.
            ScheduleTaking();
            Log.Succession(_logger, peer.Name, shown.Current.ToString(), shown.First.ToString());
        }

        // The first is named by each later one (LineageProof): a peer cannot choose another.
        peer.First = FirstOf(pin);
        foreach (var other in peer.Connections)
        {
            if (other.Lineage is { } its)
            {
                EndKeyAt(other, _trust.LineageOf(pin)?.EndOf(its.Current));
            }
        }
    }

    private void EndKeyAt(PeerConnection link, long? endUtcSeconds)
    {
        if (endUtcSeconds is { } end)
        {
            link.KeyEndUtcSeconds = Math.Min(link.KeyEndUtcSeconds ?? long.MaxValue, end);
            ScheduleControl(_now.Nanos);
        }
    }

    /// <returns>False: it is being closed.</returns>
    private bool RunKeyTimers(PeerConnection link)
    {
        if (link.KeyEndUtcSeconds is { } end)
        {
            if (_now.UtcSeconds > end)
            {
                Log.KeyOver(_logger, link.Peer?.Name ?? "a stranger", link.ShowsFormerKey ? "our key" : "its key");
                link.Quic.Close((ulong)CloseReason.KeyOver, link.ShowsFormerKey ? OwnKeyOverText : PeerKeyOverText);
                return false;
            }

            // The clock may be set meanwhile: no wait is long, and keepalives come here, too.
            ScheduleControl(_now.Nanos + ((ulong)Math.Min(end + 1 - _now.UtcSeconds, 60) * 1_000_000_000));
        }

        if (link is { ShowsFormerKey: true, Legacy: null, Peer: { } peer } && peer.Active == link && !_leaving)
        {
            if (link.RekeyNanos == ulong.MaxValue || link.RekeyNanos <= _now.Nanos)
            {
                Rekey(link);
            }

            ScheduleControl(link.RekeyNanos);
        }

        return true;
    }

    /// <summary>
    /// Of those that belong to no peer any more the youngest stay: who is forgotten today may be introduced tomorrow, and a thief with one of
    /// its former keys must not come instead. Whoever is kept out is so by each of its keys.
    /// </summary>
    private void PruneLineages()
    {
        HashSet<PeerId> pins = [.. _config.Peers.Select(peer => peer.Fingerprint).OfType<PeerId>(), .. _introductions.KeptOut.Select(peer => peer.Id)];
        var over = _lineages.Count(lineage => !lineage.Members.Any(pins.Contains)) - Limits.FormerLineages;
        if (over > 0)
        {
            _lineages.RemoveAll(lineage => !lineage.Members.Any(pins.Contains) && over-- > 0);
            IndexLineages();
            TrustChanged();
        }
    }

    private void IndexLineages()
    {
        _lineageOf.Clear();
        foreach (var lineage in _lineages)
        {
            foreach (var member in lineage.Members)
            {
                _ = _lineageOf.TryAdd(member, lineage);
            }
        }
    }

    /// <summary>As <see cref="FirstOf"/>, this node included, and also while the list of whom it trusts is being made.</summary>
    private PeerId FirstKnown(PeerId id) =>
        _ownLineage.Has(id) ? _ownLineage.First : _lineageOf.GetValueOrDefault(id)?.First ?? id;

    /// <summary>The first fingerprint of the node that is known by one of them.</summary>
    private PeerId FirstOf(PeerId id) => _trust.LineageOf(id)?.First ?? id;

    /// <summary>The peer that goes by a fingerprint, or by another one of the same node.</summary>
    private Peer? PeerOf(PeerId id) =>
        _peers.GetValueOrDefault(id)
        ?? _trust.LineageOf(id)?.Members.Select(member => _peers.GetValueOrDefault(member)).FirstOrDefault(peer => peer is not null);

    /// <summary>
    /// The entries by what their peers are known by inside: a node whose entry names another of its keys stays the peer that it is. Should two
    /// entries name keys of one node, each is a peer, and neither is let in until one is taken out.
    /// </summary>
    private Dictionary<PeerId, PeerConfig> ById(NodeConfig config)
    {
        var entries = new Dictionary<PeerId, PeerConfig>();
        foreach (var entry in config.Peers
            .OrderByDescending(entry => KeyOf(entry, config.Node.Trust) is { } key && _peers.ContainsKey(key))
            .ThenByDescending(entry => KeyOf(entry, config.Node.Trust) is { } key && FirstOf(key) == key))
        {
            if (KeyOf(entry, config.Node.Trust) is { } key && !entries.TryAdd(PeerOf(key)?.Id ?? FirstOf(key), entry))
            {
                _ = entries.TryAdd(key, entry);
            }
        }

        return entries;
    }
}
