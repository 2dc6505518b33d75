// Trust on first use: who answers where an entry without a fingerprint is dialed.
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Peers;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>
    /// Somebody answered where an entry without a fingerprint was dialed, and is up: that one it is from now on.
    /// </summary>
    /// <returns>False: another one answered at the same time and was faster; the connection is being closed.</returns>
    private bool PinFirstUse(PeerConnection link)
    {
        var (peer, seen) = (link.Peer!, link.Presented);
        if (seen is not { } id || id == peer.Id)
        {
            return true;
        }

        var introduced = PeerOf(id);
        if (!peer.IsUnseen || introduced is { Config.Trust: not PeerTrust.Introduction } || _remembered.Count >= Limits.RememberedPeers)
        {
            link.Quic.Close((ulong)CloseReason.Removed, "another node has answered for this entry");
            return false;
        }

        _remembered.RemoveAll(one => one.Trust == PeerTrust.FirstUse && one.Name == peer.Name);
        _remembered.Add(new RememberedPeer(peer.Name, id, PeerTrust.FirstUse, _now.UtcSeconds) { Address = peer.Config.Address?.ToString() });
        _ = _introductions.LetIn(id);
        TrustChanged();
        if (introduced is null)
        {
            JoinKnown();
            _peers.Remove(peer.Id);
            peer.Identify(_config.Peers.Single(entry => entry.Name == peer.Name), id);
            _peers.Add(id, peer);
        }
        else
        {
            // It stays the peer that it is, with what it has, by this entry; the one that only stood for it goes.
            _ = peer.Connections.Remove(link);
            link.Peer = introduced;
            AddConnection(introduced, link);
            ApplyKnown();
        }

        Log.FirstUse(_logger, link.Peer!.Name, PathText(link.Quic), id.ToString());
        return true;
    }

    /// <summary>Stands for the fingerprint of a peer that has not been seen yet.</summary>
    private static PeerId Unseen(string name) => PeerId.OfCertificate(System.Text.Encoding.UTF8.GetBytes("not seen yet: " + name));

    /// <summary>By what the node knows an entry; null: it does not deal with it.</summary>
    private static PeerId? KeyOf(PeerConfig entry, TrustMode mode) =>
        entry.Fingerprint ?? (mode == TrustMode.FirstUse && KnownPeers.IsUnpinned(entry) ? Unseen(entry.Name) : null);
}
