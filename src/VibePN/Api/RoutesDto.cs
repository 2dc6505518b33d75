namespace VibePN.Api;

/// <summary>Answer of <c>GET /v1/routes</c>.</summary>
public sealed record RoutesDto
{
    public IReadOnlyList<RouteDto> Routes { get; init; } = [];
}
