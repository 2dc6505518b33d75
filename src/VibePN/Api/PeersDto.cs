namespace VibePN.Api;

/// <summary>Answer of <c>GET /v1/peers</c>.</summary>
public sealed record PeersDto
{
    public IReadOnlyList<PeerDto> Peers { get; init; } = [];

    /// <summary>Peers that were removed and that no introduction brings back; oldest first.</summary>
    public IReadOnlyList<KeptOutDto> KeptOut { get; init; } = [];
}
