// The sizes that the host is told: interfaces' MTUs and routes' MTUs follow what the peers' paths carry.
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>When <see cref="FollowPathSizes"/> is to run; <see cref="ulong.MaxValue"/>: not before a path changes.</summary>
    private ulong _pathSizesNanos = ulong.MaxValue;

    public override void OnMaxDatagramChanged(QuicConnection connection)
    {
        var link = (PeerConnection)connection.Tag!;
        FollowPathSizesAt(Math.Max(_now.Nanos, link.CreatedNanos + PathSizeSettledNanos));
    }

    private void FollowPathSizesAt(ulong nanos)
    {
        _pathSizesNanos = Math.Min(_pathSizesNanos, nanos);
        ScheduleControl(_pathSizesNanos);
    }

    /// <summary>Part of the control timers.</summary>
    private void RunPathSizes()
    {
        if (_pathSizesNanos <= _now.Nanos)
        {
            _pathSizesNanos = ulong.MaxValue;
            FollowPathSizes();
        }

        ScheduleControl(_pathSizesNanos);
    }

    /// <summary>A peer that is away, or whose path is still being searched, keeps what it had: interfaces must not flap with connections.</summary>
    private void FollowPathSizes()
    {
        var hasChanged = false;
        foreach (var peer in _peers.Values)
        {
            if (peer.Active is not { } link || (link.Legacy is null && link.Quic.MaxDatagramBytes == 0))
            {
                continue;
            }

            if (_now.Nanos < link.CreatedNanos + PathSizeSettledNanos)
            {
                FollowPathSizesAt(link.CreatedNanos + PathSizeSettledNanos);
                continue;
            }

            var carried = int.MaxValue;
            foreach (var network in _live)
            {
                carried = link.SendTags[network.Index] == 0 ? carried : Math.Min(carried, CarriedBytes(link, network));
            }

            if (carried == int.MaxValue)
            {
                continue;
            }

            var before = peer.CarriedBytes;
            hasChanged |= peer.ObserveCarried(carried, _now.Nanos);
            if (peer.CarriedBytes != before && MayDebug(peer))
            {
                Log.PathMtuChanged(_logger, peer.Name, before, peer.CarriedBytes);
            }

            FollowPathSizesAt(peer.CarriedDueNanos);
        }

        foreach (var network in _live)
        {
            var before = network.MtuBytes;
            var largest = 0;
            foreach (var peer in _peers.Values)
            {
                largest = IsShared(peer, network) ? Math.Max(largest, peer.CarriedBytes) : largest;
            }

            network.Follow(largest);
            if (network.MtuBytes != before)
            {
                hasChanged = true;
                Log.MtuChanged(_logger, network.Name, before, network.MtuBytes);
            }
        }

        HostStateVersion += hasChanged ? 1 : 0;
    }

    /// <summary>
    /// What leads to a network: prefixes outside the interface's own, and those that need a smaller MTU than the interface's because their
    /// peer carries less.
    /// </summary>
    private IEnumerable<RouteState> RoutesOf(NodeNetwork network) => network.Routes.Routes
        .Where(route => route.IsUsed && route.Source != RouteSource.Rest)
        .GroupBy(route => route.Prefix, (prefix, routes) => (Prefix: prefix, Mtu: routes.Min(route => RouteMtu(network, route))))
        .Where(route => route.Mtu is not null || !network.Prefixes.Any(own => own.Contains(route.Prefix)))
        .Select(route => new RouteState(route.Prefix.ToIPNetwork(), route.Mtu) { IsGuarded = IsGuarded(network, route.Prefix) });

    /// <summary>Null: the interface's. IPv6 knows none below its minimum: from there on it goes in fragments.</summary>
    private int? RouteMtu(NodeNetwork network, Route route)
    {
        var carried = _peers.GetValueOrDefault(route.Peer)?.CarriedBytes ?? 0;
        var bytes = route.Prefix.First.ByteCount == 16 ? Math.Max(carried, MinimumIPv6Mtu) : carried;
        return carried > 0 && bytes < network.MtuBytes ? bytes : null;
    }
}
