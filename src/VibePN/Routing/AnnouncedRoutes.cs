namespace VibePN.Routing;

/// <summary>What one peer announced in one network, and until when. Thread: the node's.</summary>
internal sealed class AnnouncedRoutes
{
    private const ulong SecondNanos = 1_000_000_000;

    private readonly SortedDictionary<Prefix, (uint Metric, ulong ExpiresNanos)> _routes = [];

    public int Count => _routes.Count;

    /// <summary>When <see cref="Expire"/> may have something to do; <see cref="ulong.MaxValue"/>: never.</summary>
    public ulong NextExpiryNanos { get; private set; } = ulong.MaxValue;

    /// <summary>As <see cref="RouteTable.Replace"/> takes them.</summary>
    public IReadOnlyList<(Prefix Prefix, uint Metric)> Offers => [.. _routes.Select(route => (route.Key, route.Value.Metric))];

    /// <summary>Adds a route or renews it.</summary>
    /// <param name="lifetimeSeconds">0: as long as the connection.</param>
    /// <returns>False: the peer has as many as it may, and this is a further one.</returns>
    public bool TryAdd(Prefix prefix, uint metric, uint lifetimeSeconds, ulong nowNanos)
    {
        if (_routes.Count >= Limits.RoutesPerPeerAndNetwork && !_routes.ContainsKey(prefix))
        {
            return false;
        }

        var expires = lifetimeSeconds == 0 ? ulong.MaxValue : nowNanos + (lifetimeSeconds * SecondNanos);
        _routes[prefix] = (metric, expires);
        NextExpiryNanos = Math.Min(NextExpiryNanos, expires);
        return true;
    }

    public void Withdraw(Prefix prefix) => _routes.Remove(prefix);

    /// <summary>Forgets what was not renewed in time.</summary>
    /// <returns>The routes that ended.</returns>
    public IReadOnlyList<Prefix> Expire(ulong nowNanos)
    {
        List<Prefix> ended = [.. _routes.Where(route => route.Value.ExpiresNanos <= nowNanos).Select(route => route.Key)];
        ended.ForEach(prefix => _routes.Remove(prefix));
        NextExpiryNanos = _routes.Count == 0 ? ulong.MaxValue : _routes.Values.Min(route => route.ExpiresNanos);
        return ended;
    }
}
