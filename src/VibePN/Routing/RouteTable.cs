namespace VibePN.Routing;

/// <summary>
/// All claims to prefixes of one network, used and refused. The one rule of ownership: inside the network a peer owns host
/// addresses only, first come; anything wider only where its entry allows it; it replaces and withdraws only its own.
/// Owned by the node's thread. Bounded: the caller limits what one peer may offer.
/// </summary>
internal sealed class RouteTable(IReadOnlyList<Prefix> prefixes, AddressBook book, bool acceptRoutes)
{
    private readonly Dictionary<(PeerId Peer, RouteSource Source), List<Route>> _routes = [];
    private readonly Dictionary<Prefix, PeerId> _used = [];

    /// <summary>Counts changes of what is used: a forwarding table built at the same number is still right.</summary>
    public int Version { get; private set; }

    /// <summary>Our own: nobody else gets them. Routes judged before a change are judged anew with their next <see cref="Replace"/>.</summary>
    public IReadOnlyList<IpKey> OwnAddresses { get; set; } = [];

    public IEnumerable<Route> Routes => _routes.Values.SelectMany(routes => routes);

    /// <summary>Replaces what <paramref name="rights"/>'s peer claims from <paramref name="source"/>.</summary>
    /// <returns>The judged routes, in the order offered.</returns>
    public IReadOnlyList<Route> Replace(PeerRights rights, RouteSource source, IReadOnlyList<(Prefix Prefix, uint Metric)> offers, long nowUtcSeconds)
    {
        var key = (rights.Peer, source);
        var before = _routes.GetValueOrDefault(key) ?? [];
        var judged = new List<Route>(offers.Count);
        var hosts = 0;
        foreach (var (prefix, metric) in offers)
        {
            var verdict = Judge(rights, source, prefix, nowUtcSeconds);
            if (verdict == RouteVerdict.Used && source == RouteSource.Address && rights.Addresses.Count == 0 && ++hosts > Limits.AddressesPerPeerAndNetwork)
            {
                verdict = RouteVerdict.TooManyAddresses;
            }

            judged.Add(new Route(prefix, rights.Peer, source, metric, verdict));
        }

        if (judged.Count == 0)
        {
            _routes.Remove(key);
        }
        else
        {
            _routes[key] = judged;
        }

        // What the election decided before is no difference: it decides again.
        if (!before.Select(Undecided).SequenceEqual(judged))
        {
            Elect();
        }
        else if (judged.Count > 0)
        {
            _routes[key] = before;
        }

        return _routes.GetValueOrDefault(key) ?? judged;
    }

    /// <summary>Notes in the book who uses which host address at this moment.</summary>
    public void RecordOwners(long nowUtcSeconds)
    {
        foreach (var route in Routes.Where(route => route.IsUsed && route.Prefix.IsHost && route.Source == RouteSource.Address))
        {
            book.Record(route.Prefix.First, route.Peer, nowUtcSeconds);
        }
    }

    /// <summary>Forgets everything a peer claimed.</summary>
    public void Remove(PeerId peer)
    {
        var changed = false;
        foreach (var source in Enum.GetValues<RouteSource>())
        {
            changed |= _routes.Remove((peer, source));
        }

        if (changed)
        {
            Elect();
        }
    }

    /// <summary>The used routes as a snapshot; peers that <paramref name="target"/> does not know are left out.</summary>
    public ForwardingTable<TTarget> Build<TTarget>(Func<PeerId, TTarget?> target) where TTarget : class
    {
        var routes = new List<KeyValuePair<Prefix, TTarget>>(_used.Count);
        foreach (var (prefix, peer) in _used)
        {
            if (target(peer) is { } found)
            {
                routes.Add(new(prefix, found));
            }
        }

        return new ForwardingTable<TTarget>(routes);
    }

    private RouteVerdict Judge(PeerRights rights, RouteSource source, Prefix prefix, long nowUtcSeconds)
    {
        var inside = prefixes.FirstOrDefault(own => own.Contains(prefix));
        var isInside = prefixes.Any(own => own.Contains(prefix));
        if (prefix.IsHost && isInside)
        {
            var address = prefix.First;
            return OwnAddresses.Contains(address) ? RouteVerdict.OwnAddress
                : inside.IsReserved(address) ? RouteVerdict.ReservedAddress
                : rights.Addresses.Count > 0 && !rights.Addresses.Contains(address) ? RouteVerdict.NotInEntry
                : source == RouteSource.Announced && !IsAllowed(rights, prefix) ? RouteVerdict.NotAllowed
                : rights.Addresses.Count == 0 && book.HeldByAnother(address, rights.Peer, nowUtcSeconds) is not null ? RouteVerdict.AddressRemembered
                : RouteVerdict.Used;
        }

        return source == RouteSource.Address || !IsAllowed(rights, prefix) ? RouteVerdict.NotAllowed
            : OwnAddresses.Any(prefix.Contains) && isInside ? RouteVerdict.OwnAddress
            : !acceptRoutes ? RouteVerdict.RoutesNotAccepted
            : RouteVerdict.Used;
    }

    private static bool IsAllowed(PeerRights rights, Prefix prefix) => rights.AllowRoutes.Any(allowed => allowed.Contains(prefix));

    /// <summary>Chooses the user of each prefix: whoever holds it keeps it, else the smallest metric, else the smallest peer.</summary>
    private void Elect()
    {
        var holders = new Dictionary<Prefix, PeerId>(_used);
        _used.Clear();
        var best = new Dictionary<Prefix, Route>();
        foreach (var route in Routes.Where(IsCandidate))
        {
            if (!best.TryGetValue(route.Prefix, out var other) || IsBetter(route, other, holders))
            {
                best[route.Prefix] = route;
            }
        }

        foreach (var routes in _routes.Values)
        {
            for (var i = 0; i < routes.Count; i++)
            {
                if (IsCandidate(routes[i]))
                {
                    var wins = best[routes[i].Prefix].Peer == routes[i].Peer;
                    routes[i] = routes[i] with
                    {
                        Verdict = wins ? RouteVerdict.Used
                            : routes[i].Prefix.IsHost ? RouteVerdict.AddressInUse
                            : RouteVerdict.OtherPeerIsBetter,
                    };
                }
            }
        }

        foreach (var (prefix, route) in best)
        {
            _used[prefix] = route.Peer;
        }

        Version++;
    }

    private static Route Undecided(Route route) => IsCandidate(route) ? route with { Verdict = RouteVerdict.Used } : route;

    private static bool IsCandidate(Route route) =>
        route.Verdict is RouteVerdict.Used or RouteVerdict.OtherPeerIsBetter or RouteVerdict.AddressInUse;

    private static bool IsBetter(Route route, Route other, Dictionary<Prefix, PeerId> holders)
    {
        if (route.Prefix.IsHost && holders.TryGetValue(route.Prefix, out var holder) && (route.Peer == holder) != (other.Peer == holder))
        {
            return route.Peer == holder;
        }

        return route.Metric != other.Metric ? route.Metric < other.Metric : route.Peer.CompareTo(other.Peer) < 0;
    }
}
