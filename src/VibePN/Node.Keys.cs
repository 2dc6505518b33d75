// The life of keys: successions that peers show are learnt; after one of our own the peers are moved over.
using VibePN.Identity;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>
    /// The own key has a successor: new handshakes show it. Peers that are connected are dialed anew by it, make before break; what flows goes
    /// on meanwhile. Who cannot be moved stays on the connection of before.
    /// </summary>
    public void ChangeKey(QuicCredentials credentials, Instant now)
    {
        _now = now;
        _endpoint.ChangeCredentials(credentials);
        foreach (var peer in _peers.Values)
        {
            foreach (var attempt in peer.Connections.Where(link => link.IsAttempt).ToList())
            {
                // It shows the key of before.
                attempt.IsSuperseded = true;
            }

            if (peer.Active is { } active && !_leaving)
            {
                active.MoveUntilNanos = now.Nanos + MoveNanos;
                StartDialing(peer);
            }
        }
    }

    /// <summary>It is up, so TLS has shown that it holds the youngest key of what its chain proves.</summary>
    private void LearnLineage(PeerConnection link)
    {
        if (link.Lineage is not { } shown)
        {
            return;
        }

        var peer = link.Peer!;
        if (shown.Members.Count > 1)
        {
            peer.First = shown.First;
        }

        var known = _trust.LineageOf(shown);
        if (shown.Members.Count == 1 || (known is not null && !shown.Extends(known)))
        {
            return;
        }

        if (known is not null)
        {
            _lineages.Remove(known);
        }

        _lineages.Add(shown);
        PruneLineages();
        TrustChanged();
        JoinKnown();
        Log.Succession(_logger, peer.Name, shown.Current.ToString(), shown.First.ToString());
    }

    /// <summary>What belongs to no peer any more is not kept: so there are never more than peers.</summary>
    private void PruneLineages()
    {
        HashSet<PeerId> pins = [.. _config.Peers.Select(peer => peer.Fingerprint).OfType<PeerId>()];
        if (_lineages.RemoveAll(lineage => !lineage.Members.Any(pins.Contains)) > 0)
        {
            TrustChanged();
        }
    }

    /// <summary>The first fingerprint of the node that is known by one of them.</summary>
    private PeerId FirstOf(PeerId id) => _trust.LineageOf(Lineage.Of(id))?.First ?? id;
}
