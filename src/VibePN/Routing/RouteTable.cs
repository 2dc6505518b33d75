namespace VibePN.Routing;

/// <summary>
/// All claims to prefixes of one network, used and refused. The one rule of ownership: inside the network a peer owns host
/// addresses only, first come; anything wider only where its entry allows it; it replaces and withdraws only its own.
/// Every change judges all claims anew, so that a verdict never outlives its reason. Owned by the node's thread. Bounded: the caller
/// limits what one peer may offer.
/// </summary>
/// <param name="prefixes">Of the network.</param>
/// <param name="book">Who had which address.</param>
/// <param name="acceptRoutes">False: host addresses only.</param>
/// <param name="paths">The ways to the peers; null: all are alike.</param>
internal sealed class RouteTable(IReadOnlyList<Prefix> prefixes, AddressBook book, bool acceptRoutes, RoutePaths? paths = null)
{
    /// <summary>Changes of the chosen peer that wait to be told; more are not kept.</summary>
    private const int MaxMoves = 64;

    private readonly RoutePaths _paths = paths ?? RoutePaths.Alike;
    private readonly List<RouteMove> _moves = [];
    private Dictionary<Prefix, RouteChallenge> _challenges = [];
    private readonly Dictionary<(PeerId Peer, RouteSource Source), Claims> _claims = [];

    /// <summary>Refused claims of peers whose connection has ended.</summary>
    private readonly Dictionary<PeerId, IReadOnlyList<Route>> _former = [];
    private Dictionary<Prefix, PeerId> _used = [];

    /// <summary>Addresses that <see cref="RouteSource.Rest"/> does not give to anybody.</summary>
    private HashSet<IpKey> _withheld = [];

    /// <summary>What <see cref="Configure"/> changed has not been judged.</summary>
    private bool _isStale;

    /// <summary>Counts changes of what is used: a forwarding table built at the same number is still right.</summary>
    public int Version { get; private set; }

    /// <summary>When <see cref="Judge"/> may choose another peer for a prefix without any claim changing; <see cref="ulong.MaxValue"/>: not.</summary>
    public ulong ReviewNanos { get; private set; } = ulong.MaxValue;

    /// <summary>Some prefix is announced by several peers: it matters who of them answers.</summary>
    public bool HasStandBys { get; private set; }

    /// <summary>What the host and other networks reach without this one; never taken over.</summary>
    public IReadOnlyList<LocalPrefix> Local { get; private set; } = [];

    public IEnumerable<Route> Routes => _claims.Values.SelectMany(claims => claims.Routes).Concat(_former.Values.SelectMany(routes => routes));

    /// <summary>Our own: nobody else gets them.</summary>
    public IReadOnlyList<IpKey> OwnAddresses { get; private set; } = [];

    /// <summary>Addresses that entries list: nobody else gets them, be their owners here or not.</summary>
    public IReadOnlySet<IpKey> Reserved { get; private set; } = new HashSet<IpKey>();

    /// <summary>Changes the grounds of judgement; <see cref="Judge"/> or the next change of a claim applies them.</summary>
    public void Configure(IReadOnlyList<Prefix> newPrefixes, IReadOnlyList<IpKey> ownAddresses, IReadOnlySet<IpKey> reserved, bool newAcceptRoutes)
    {
        prefixes = newPrefixes;
        acceptRoutes = newAcceptRoutes;
        OwnAddresses = ownAddresses;
        Reserved = reserved;
        _isStale = true;
    }

    /// <summary>The host's links or routes have changed. <see cref="Judge"/> applies it.</summary>
    /// <returns>False: they are the same.</returns>
    public bool SetLocal(IReadOnlyList<LocalPrefix> local)
    {
        if (Local.SequenceEqual(local))
        {
            return false;
        }

        Local = local;
        _isStale = true;
        return true;
    }

    /// <summary>Which prefixes went from one peer to another since the last call.</summary>
    public IReadOnlyList<RouteMove> TakeMoves()
    {
        if (_moves.Count == 0)
        {
            return [];
        }

        RouteMove[] taken = [.. _moves];
        _moves.Clear();
        return taken;
    }

    /// <summary>Replaces what <paramref name="rights"/>'s peer claims from <paramref name="source"/>.</summary>
    /// <returns>The judged routes, in the order offered.</returns>
    public IReadOnlyList<Route> Replace(PeerRights rights, RouteSource source, IReadOnlyList<(Prefix Prefix, uint Metric)> offers, long nowUtcSeconds)
    {
        var key = (rights.Peer, source);
        if (source == RouteSource.Address)
        {
            // A new list of addresses is a new say: what was refused before is history.
            _former.Remove(rights.Peer);
        }

        var before = _claims.GetValueOrDefault(key);
        if (before is not null && !_isStale && before.Rights == rights && before.Offers.SequenceEqual(offers) && before.Routes.All(route => route.IsUsed))
        {
            return before.Routes;
        }

        if (offers.Count == 0)
        {
            if (_claims.Remove(key))
            {
                Judge(nowUtcSeconds);
            }

            return [];
        }

        var claims = _claims[key] = new Claims(rights, offers);
        Judge(nowUtcSeconds);
        return claims.Routes;
    }

    /// <summary>Notes in the book who uses which host address at this moment.</summary>
    public void RecordOwners(long nowUtcSeconds)
    {
        foreach (var route in Routes.Where(route => route.IsUsed && route.Prefix.IsHost && route.Source == RouteSource.Address))
        {
            book.Record(route.Prefix.First, route.Peer, nowUtcSeconds);
        }
    }

    /// <summary>Ends everything a peer claimed. Some of what was refused stays in sight until it claims anew.</summary>
    public void Remove(PeerId peer, long nowUtcSeconds)
    {
        List<Route> refused = [];
        var had = false;
        foreach (var source in Enum.GetValues<RouteSource>())
        {
            if (_claims.Remove((peer, source), out var claims))
            {
                had = true;
                refused.AddRange(claims.Routes.Where(route => !route.IsUsed).Take(Limits.FormerRoutesPerPeerAndNetwork - refused.Count));
            }
        }

        if (!had)
        {
            return;
        }

        if (refused.Count > 0)
        {
            _former[peer] = [.. refused.Select(route => route with { IsFormer = true })];
        }

        Judge(nowUtcSeconds);
    }

    /// <summary>Forgets a peer that is no longer configured.</summary>
    public void Forget(PeerId peer, long nowUtcSeconds)
    {
        Remove(peer, nowUtcSeconds);
        _former.Remove(peer);
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

        return new ForwardingTable<TTarget>(routes, [.. _withheld.Select(Prefix.Host).Where(address => !_used.ContainsKey(address))]);
    }

    /// <summary>
    /// Judges every claim, and chooses the user of each prefix: of an address inside the network whoever holds it, else by
    /// <see cref="RouteSelection"/>.
    /// </summary>
    public void Judge(long nowUtcSeconds)
    {
        _isStale = false;
        var best = new Dictionary<Prefix, Route>();
        var announced = new Dictionary<Prefix, List<(Claims Claims, int Index)>>();
        foreach (var ((peer, source), claims) in _claims)
        {
            var hosts = 0;
            for (var i = 0; i < claims.Offers.Count; i++)
            {
                var (prefix, metric) = claims.Offers[i];
                var verdict = VerdictOn(claims.Rights, source, prefix, nowUtcSeconds);
                if (verdict == RouteVerdict.Used && source == RouteSource.Address && claims.Rights.Addresses.Count == 0
                    && ++hosts > Limits.AddressesPerPeerAndNetwork)
                {
                    verdict = RouteVerdict.TooManyAddresses;
                }

                var route = claims.Routes[i] = new Route(prefix, peer, source, metric, verdict);
                if (source == RouteSource.Announced && !IsOwned(prefix) && verdict is RouteVerdict.Used)
                {
                    route = claims.Routes[i] = JudgeLocally(route);
                    if (route.IsUsed)
                    {
                        (announced.TryGetValue(prefix, out var several) ? several : announced[prefix] = []).Add((claims, i));
                    }
                }
                else if (route.IsUsed && (!best.TryGetValue(prefix, out var other) || IsBetter(route, other)))
                {
                    best[prefix] = route;
                }
            }
        }

        foreach (var routes in _claims.Values.Select(claims => claims.Routes))
        {
            for (var i = 0; i < routes.Length; i++)
            {
                if (routes[i].Verdict is RouteVerdict.Used or RouteVerdict.AddressRemembered
                    && best.TryGetValue(routes[i].Prefix, out var winner) && winner.Peer != routes[i].Peer)
                {
                    routes[i] = routes[i] with { Verdict = routes[i].Prefix.IsHost ? RouteVerdict.AddressInUse : RouteVerdict.OtherPeerIsBetter };
                }
            }
        }

        Choose(announced, best);
        var used = best.ToDictionary(route => route.Key, route => route.Value.Peer);
        if (used.Count != _used.Count || used.Any(route => !_used.TryGetValue(route.Key, out var peer) || peer != route.Value))
        {
            Version++;
            foreach (var (prefix, peer) in used.Where(_ => _moves.Count < MaxMoves))
            {
                if (_used.TryGetValue(prefix, out var before) && before != peer)
                {
                    _moves.Add(new RouteMove(prefix, before, best[prefix]));
                }
            }
        }

        _used = used;
        Withhold(best.Values, nowUtcSeconds);
    }

    /// <summary>
    /// Finds what a peer that announces a whole prefix does not get of it: our own addresses, those kept for other peers (listed, or
    /// remembered), the first and the last.
    /// </summary>
    private void Withhold(IEnumerable<Route> best, long nowUtcSeconds)
    {
        HashSet<IpKey> withheld = [];
        foreach (var rest in best.Where(route => route.Source == RouteSource.Rest))
        {
            var own = prefixes.First(prefix => prefix.Contains(rest.Prefix));
            withheld.UnionWith(OwnAddresses.Where(rest.Prefix.Contains));
            withheld.UnionWith(Reserved.Where(rest.Prefix.Contains));
            withheld.UnionWith(((IpKey[])[own.First, own.Last]).Where(address => own.IsReserved(address) && rest.Prefix.Contains(address)));
            withheld.UnionWith(book.Owners
                .Where(owner => rest.Prefix.Contains(owner.Address) && book.HeldByAnother(owner.Address, rest.Peer, nowUtcSeconds) is not null)
                .Select(owner => owner.Address));
        }

        if (!withheld.SetEquals(_withheld))
        {
            _withheld = withheld;
            Version++;
        }
    }

    /// <summary>Of each announced prefix the peer that its packets go to; the others stand by.</summary>
    private void Choose(Dictionary<Prefix, List<(Claims Claims, int Index)>> announced, Dictionary<Prefix, Route> best)
    {
        var challenges = new Dictionary<Prefix, RouteChallenge>();
        var now = _paths.NowNanos();
        ReviewNanos = ulong.MaxValue;
        HasStandBys = false;
        foreach (var (prefix, several) in announced)
        {
            var holder = _used.TryGetValue(prefix, out var held) ? held : (PeerId?)null;
            if (several.Count == 1)
            {
                best[prefix] = several[0].Claims.Routes[several[0].Index];
                continue;
            }

            HasStandBys = true;
            var candidates = several.ConvertAll(one => new RouteCandidate(
                one.Claims.Rights.Peer, one.Claims.Offers[one.Index].Metric, _paths.Of(one.Claims.Rights.Peer)));
            var choice = RouteSelection.Select(candidates, holder, _challenges.TryGetValue(prefix, out var challenge) ? challenge : null, now);
            ReviewNanos = Math.Min(ReviewNanos, choice.ReviewNanos);
            if (choice.Challenge is { } running)
            {
                challenges[prefix] = running;
            }

            for (var i = 0; i < several.Count; i++)
            {
                ref var route = ref several[i].Claims.Routes[several[i].Index];
                route = i == choice.Index
                    ? route with { Standing = choice.Standing }
                    : route with
                    {
                        Verdict = RouteVerdict.OtherPeerIsBetter,
                        Standing = RouteSelection.StandingOf(candidates[i], candidates[choice.Index], choice.Challenge),
                    };
            }

            best[prefix] = several[choice.Index].Claims.Routes[several[choice.Index].Index];
        }

        _challenges = challenges;
    }

    /// <summary>What is on a link of the host stays there, and so does what the host has its own route to; a wider route gets the rest.</summary>
    private Route JudgeLocally(Route route)
    {
        LocalPrefix? kept = null;
        var more = 0;
        foreach (var local in Local)
        {
            if (local.IsOnLink ? local.Prefix.Contains(route.Prefix) : local.Prefix == route.Prefix && route.Prefix.Length > 0)
            {
                return route with { Verdict = RouteVerdict.LocalPrefix, Conflict = local.Describe(route.Prefix) };
            }

            if (route.Prefix.Contains(local.Prefix) && local.Prefix != route.Prefix)
            {
                more += kept is null ? 0 : 1;
                kept ??= local;
            }
        }

        return kept is null ? route : route with { Conflict = $"{kept.Where} keeps {kept.Prefix}" + (more > 0 ? $", and {more} more are kept" : "") };
    }

    /// <summary>An address inside the network has one owner; all else may be reached by several.</summary>
    private bool IsOwned(Prefix prefix) => prefix.IsHost && prefixes.Any(own => own.Contains(prefix));

    private RouteVerdict VerdictOn(PeerRights rights, RouteSource source, Prefix prefix, long nowUtcSeconds)
    {
        var inside = prefixes.FirstOrDefault(own => own.Contains(prefix));
        var isInside = prefixes.Any(own => own.Contains(prefix));
        if (source == RouteSource.Rest)
        {
            return !isInside ? RouteVerdict.NotAllowed : rights.Addresses.Count > 0 ? RouteVerdict.NotInEntry : RouteVerdict.Used;
        }

        if (prefix.IsHost && isInside)
        {
            var address = prefix.First;
            var isListed = rights.Addresses.Contains(address);
            return OwnAddresses.Contains(address) ? RouteVerdict.OwnAddress
                : inside.IsReserved(address) ? RouteVerdict.ReservedAddress
                : rights.Addresses.Count > 0 && !isListed ? RouteVerdict.NotInEntry
                : source == RouteSource.Announced && !IsAllowed(rights, prefix) ? RouteVerdict.NotAllowed
                : !isListed && Reserved.Contains(address) ? RouteVerdict.AddressReserved
                : !isListed && book.HeldByAnother(address, rights.Peer, nowUtcSeconds) is not null ? RouteVerdict.AddressRemembered
                : RouteVerdict.Used;
        }

        return source == RouteSource.Address || !IsAllowed(rights, prefix) ? RouteVerdict.NotAllowed
            : OwnAddresses.Any(prefix.Contains) && isInside ? RouteVerdict.OwnAddress
            : !acceptRoutes ? RouteVerdict.RoutesNotAccepted
            : RouteVerdict.Used;
    }

    private static bool IsAllowed(PeerRights rights, Prefix prefix) => rights.AllowRoutes.Any(allowed => allowed.Contains(prefix));

    private bool IsBetter(Route route, Route other)
    {
        if (route.Prefix.IsHost && _used.TryGetValue(route.Prefix, out var holder) && (route.Peer == holder) != (other.Peer == holder))
        {
            return route.Peer == holder;
        }

        return route.Metric != other.Metric ? route.Metric < other.Metric : route.Peer.CompareTo(other.Peer) < 0;
    }

    /// <summary>What one peer offers from one source, and the judgement on it at the same index.</summary>
    private sealed class Claims(PeerRights rights, IReadOnlyList<(Prefix Prefix, uint Metric)> offers)
    {
        public PeerRights Rights { get; } = rights;

        public IReadOnlyList<(Prefix Prefix, uint Metric)> Offers { get; } = offers;

        public Route[] Routes { get; } = new Route[offers.Count];
    }
}
