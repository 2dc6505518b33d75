// Routes that peers announce, and the judgement on all that they claim.
using VibePN.Control;
using VibePN.Peers;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    private void OnAnnounce(PeerConnection link, Announce announce)
    {
        if (FindJoined(link, announce.Network) is { } network)
        {
            var mine = AnnouncedBy(link.Peer!, network);
            foreach (var offer in announce.Routes)
            {
                mine[offer.Prefix] = offer.Metric;
            }

            if (mine.Count > Limits.RoutesPerPeerAndNetwork)
            {
                throw new ControlException(CloseReason.LimitExceeded, $"more than {Limits.RoutesPerPeerAndNetwork} routes in network {network.Name}");
            }

            Claim(link.Peer!, network, RouteSource.Announced, [.. mine.Select(route => (route.Key, route.Value))]);
            TakeRoutesIntoUse();
        }
    }

    private void OnWithdraw(PeerConnection link, Withdraw withdraw)
    {
        if (FindJoined(link, withdraw.Network) is { } network)
        {
            var mine = AnnouncedBy(link.Peer!, network);
            foreach (var prefix in withdraw.Prefixes)
            {
                mine.Remove(prefix);
            }

            Claim(link.Peer!, network, RouteSource.Announced, [.. mine.Select(route => (route.Key, route.Value))]);
            TakeRoutesIntoUse();
        }
    }

    private static SortedDictionary<Prefix, uint> AnnouncedBy(Peer peer, NodeNetwork network) => new(
        network.Routes.Routes
            .Where(route => route.Peer == peer.Id && route.Source == RouteSource.Announced)
            .ToDictionary(route => route.Prefix, route => route.Metric));

    private void Claim(Peer peer, NodeNetwork network, RouteSource source, IReadOnlyList<(Prefix Prefix, uint Metric)> offers)
    {
        var known = network.Routes.Routes.Where(route => route.Peer == peer.Id && !route.IsUsed).ToHashSet();
        foreach (var route in network.Routes.Replace(peer.Rights, source, offers, _now.UtcSeconds))
        {
            if (!route.IsUsed && !known.Contains(route) && peer.MayLog(_now.Nanos))
            {
                Log.RouteRefused(_logger, peer.Name, route.Prefix.ToString(), network.Name, route.Why);
            }
        }
    }

    private void TakeRoutesIntoUse()
    {
        foreach (var network in _networks)
        {
            if (network.RebuildForwarding(id => _peers.GetValueOrDefault(id)))
            {
                network.Routes.RecordOwners(_now.UtcSeconds);
                HostStateVersion++;
            }
        }
    }
}
