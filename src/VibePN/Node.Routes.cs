// Routes that are announced, by peers and to them, and the judgement on all that peers claim.
using System.Net;
using VibePN.Control;
using VibePN.Peers;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>What is announced to peers lives this long, and is announced again after a third of it: two refreshes may fail.</summary>
    private const uint RouteLifetimeSeconds = 300;

    private const ulong AnnounceIntervalNanos = RouteLifetimeSeconds * 1_000_000_000UL / 3;

    /// <summary>Routes in one message: far below what one may hold.</summary>
    private const int RoutesPerMessage = 256;

    /// <summary>What the host reaches without us, by its links and routes.</summary>
    private IReadOnlyList<LocalPrefix> _local = [];

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
            if (!route.IsUsed && !route.IsStandBy && !known.Contains(route))
            {
                CountRefused(peer, network, route);
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
            link.Send(new Announce(network.Name, [.. some.Select(route => new RouteOffer(route, network.Config.Metric, RouteLifetimeSeconds))]));
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

            foreach (var move in network.Routes.TakeMoves())
            {
                TellMove(network, move);
            }

            ScheduleControl(network.Routes.ReviewNanos);
        }
    }

    /// <summary>What the host reaches by its own links and routes, whenever that changes: learned routes leave it alone.</summary>
    public void OnLocalPrefixes(IReadOnlyList<LocalPrefix> local, Instant now)
    {
        _now = now;
        _local = local;
        if (ConfigureLocal())
        {
            TakeRoutesIntoUse();
        }
    }

    /// <summary>Gives each network what the host and the other networks have.</summary>
    /// <returns>True: some of it was new.</returns>
    private bool ConfigureLocal()
    {
        var any = false;
        foreach (var network in _live)
        {
            var others = _live.Where(other => other != network)
                .SelectMany(other => other.Prefixes.Select(prefix => new LocalPrefix(prefix, $"network {other.Name}", IsOnLink: true)));
            if (!network.Routes.SetLocal([.. others, .. _local]))
            {
                continue;
            }

            var refused = network.Routes.Routes.Where(IsRefusedLocally).Select(route => (route.Peer, route.Prefix)).ToHashSet();
            network.Routes.Judge(_now.UtcSeconds);
            foreach (var route in network.Routes.Routes.Where(route => IsRefusedLocally(route) && !refused.Contains((route.Peer, route.Prefix))).ToList())
            {
                CountRefused(_peers[route.Peer], network, route);
            }

            // Which table a route is in may have changed with what lies around it.
            HostStateVersion++;
            any = true;
        }

        return any;

        static bool IsRefusedLocally(Route route) => route is { Verdict: RouteVerdict.LocalPrefix, IsFormer: false };
    }

    private void CountRefused(Peer peer, NodeNetwork network, Route route)
    {
        peer.RoutesRefused++;
        if (MayLog(peer))
        {
            Log.RouteRefused(_logger, peer.Name, route.Prefix.ToString(), network.Name, route.Why);
        }
    }

    /// <summary>
    /// Whether a route goes into the table that the node's own packets do not see, where the host's own routes come first. Not within the
    /// network's prefix, which is in the main table itself; nor below a wider route of the host, unless a peer's address is there: then the
    /// host's route is the better of two evils.
    /// </summary>
    private bool IsGuarded(NodeNetwork network, Prefix route)
    {
        if (network.Prefixes.Any(own => own.Contains(route)))
        {
            return false;
        }

        return !_local.Any(local => local.Prefix.Length > 0 && local.Prefix.Contains(route)) || _peers.Values.Any(peer =>
            peer.DialAddresses.Any(at => Covers(at.Address))
            || peer.Connections.Any(link => link.RemoteEndPoint is { } at && Covers(at.Address)));

        bool Covers(IPAddress address) => route.Contains(IpKey.FromIPAddress(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));
    }

    private void TellMove(NodeNetwork network, RouteMove move)
    {
        if (_peers.TryGetValue(move.Now.Peer, out var peer) && MayLog(peer))
        {
            var before = _peers.TryGetValue(move.Before, out var left) ? left.Name : "a removed peer";
            Log.RouteMoved(_logger, move.Prefix.ToString(), network.Name, peer.Name, before, move.Now.Why);
        }
    }

    /// <summary>What a route table knows of the way to a peer.</summary>
    private RoutePath PathTo(PeerId id) => _peers.TryGetValue(id, out var peer) && peer is { Active: { } link, UsableSinceNanos: > 0 and var since }
        ? new RoutePath(IsUsable: true, since, (ulong)link.Quic.GetStats().SmoothedRtt.TotalNanoseconds)
        : default;

    /// <summary>Whether packets to the peer may be expected to arrive. The one place that says so to the routes.</summary>
    private bool IsUsable(Peer peer) => peer.Active is { } link && !link.IsInDoubt(_now.Nanos);

    /// <summary>To be called wherever <see cref="IsUsable"/> may have changed: routes go to another peer that announces them, at once.</summary>
    private void NoteUsable(Peer peer)
    {
        var isUsable = IsUsable(peer);
        if (isUsable == peer.UsableSinceNanos > 0)
        {
            return;
        }

        peer.UsableSinceNanos = isUsable ? Math.Max(_now.Nanos, 1) : 0;
        ReviewRoutes(all: true);
    }

    /// <summary>Chooses anew between peers that announce the same.</summary>
    /// <param name="all">False: only where it is time.</param>
    private void ReviewRoutes(bool all)
    {
        var any = false;
        foreach (var network in _live)
        {
            if (all ? network.Routes.HasStandBys : network.Routes.ReviewNanos <= _now.Nanos)
            {
                network.Routes.Judge(_now.UtcSeconds);
                any = true;
            }

            ScheduleControl(network.Routes.ReviewNanos);
        }

        if (any)
        {
            TakeRoutesIntoUse();
        }
    }
}
