namespace VibePN.Api;

/// <summary>Answer of <c>GET /v1/peers</c>.</summary>
public sealed record PeersDto
{
    public IReadOnlyList<PeerDto> Peers { get; init; } = [];
}
