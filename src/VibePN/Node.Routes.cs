// Routes that are announced, by peers and to them, and the judgement on all that peers claim.
using VibePN.Control;
using VibePN.Peers;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>What is announced to peers lives this long, and is announced again after a third of it: two refreshes may fail.</summary>
    private const uint RouteLifetimeSeconds = 300;

    private const ulong AnnounceIntervalNanos = RouteLifetimeSeconds * 1_000_000_000UL / 3;

    /// <summary>Routes in one message: far below what one may hold.</summary>
    private const int RoutesPerMessage = 256;

    private void OnAnnounce(PeerConnection link, Announce announce)
    {
        if (FindJoined(link, announce.Network) is not { } network)
        {
            return;
        }

        var mine = network.AnnouncedBy(link.Peer!.Id);
        foreach (var offer in announce.Routes)
        {
            if (!mine.TryAdd(offer.Prefix, offer.Metric, offer.LifetimeSeconds, _now.Nanos))
            {
                throw new ControlException(CloseReason.LimitExceeded, $"more than {Limits.RoutesPerPeerAndNetwork} routes in network {network.Name}");
            }
        }

        ScheduleControl(mine.NextExpiryNanos);
        Claim(link.Peer, network, RouteSource.Announced, mine.Offers);
        TakeRoutesIntoUse();
    }

    private void OnWithdraw(PeerConnection link, Withdraw withdraw)
    {
        if (FindJoined(link, withdraw.Network) is not { } network || !network.Announced.TryGetValue(link.Peer!.Id, out var mine))
        {
            return;
        }

        foreach (var prefix in withdraw.Prefixes)
        {
            mine.Withdraw(prefix);
        }

        Claim(link.Peer, network, RouteSource.Announced, mine.Offers);
        TakeRoutesIntoUse();
    }

    private void Claim(Peer peer, NodeNetwork network, RouteSource source, IReadOnlyList<(Prefix Prefix, uint Metric)> offers)
    {
        var known = network.Routes.Routes.Where(route => route.Peer == peer.Id && !route.IsUsed).ToHashSet();
        foreach (var route in network.Routes.Replace(peer.Rights, source, offers, _now.UtcSeconds))
        {
            if (!route.IsUsed && !known.Contains(route))
            {
                peer.RoutesRefused++;
                if (MayLog(peer))
                {
                    Log.RouteRefused(_logger, peer.Name, route.Prefix.ToString(), network.Name, route.Why);
                }
            }
        }
    }

    private void ExpireRoutes()
    {
        var hasChanged = false;
        foreach (var network in _live)
        {
            foreach (var (id, routes) in network.Announced)
            {
                if (routes.NextExpiryNanos <= _now.Nanos && routes.Expire(_now.Nanos) is { Count: > 0 } ended)
                {
                    var peer = _peers[id];
                    Claim(peer, network, RouteSource.Announced, routes.Offers);
                    hasChanged = true;
                    foreach (var prefix in ended)
                    {
                        if (MayLog(peer))
                        {
                            Log.RouteExpired(_logger, prefix.ToString(), peer.Name, network.Name);
                        }
                    }
                }

                ScheduleControl(routes.NextExpiryNanos);
            }
        }

        if (hasChanged)
        {
            TakeRoutesIntoUse();
        }
    }

    /// <summary>Announces our routes in a network that the peer has joined.</summary>
    private void SendRoutes(PeerConnection link, NodeNetwork network)
    {
        var routes = network.OwnRoutes;
        if (routes.Count == 0 || link.Legacy is not null)
        {
            return;
        }

        foreach (var some in routes.Chunk(RoutesPerMessage))
        {
            link.Send(new Announce(network.Name, [.. some.Select(route => new RouteOffer(route, 0, RouteLifetimeSeconds))]));
        }

        link.AnnounceNanos = Math.Min(link.AnnounceNanos, _now.Nanos + AnnounceIntervalNanos);
        ScheduleControl(link.AnnounceNanos);
    }

    private void AnnounceAgain(PeerConnection link)
    {
        link.AnnounceNanos = ulong.MaxValue;
        foreach (var network in _live.Where(network => link.SendTags[network.Index] != 0))
        {
            SendRoutes(link, network);
        }
    }

    private void TakeRoutesIntoUse()
    {
        foreach (var network in _live)
        {
            if (network.RebuildForwarding(id => _peers.GetValueOrDefault(id)))
            {
                network.Routes.RecordOwners(_now.UtcSeconds);
                HostStateVersion++;
            }
        }
    }
}
