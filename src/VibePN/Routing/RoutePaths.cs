namespace VibePN.Routing;

/// <summary>What a route table asks about the ways to the peers.</summary>
/// <param name="NowNanos">CLOCK_BOOTTIME.</param>
internal sealed record RoutePaths(Func<ulong> NowNanos, Func<PeerId, RoutePath> Of)
{
    /// <summary>Every peer answers, always has, and is as fast as any.</summary>
    public static RoutePaths Alike { get; } = new(() => RouteSelection.StableNanos, _ => new RoutePath(IsUsable: true, 0, 0));
}

/// <summary>A prefix went from one peer to another that announces it too.</summary>
/// <param name="Now">The route in use.</param>
internal sealed record RouteMove(Prefix Prefix, PeerId Before, Route Now);
