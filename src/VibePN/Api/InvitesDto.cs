namespace VibePN.Api;

/// <summary>Answer of <c>GET /v1/invites</c>.</summary>
public sealed record InvitesDto
{
    /// <summary>Oldest first; those that are over are kept for 30 days.</summary>
    public IReadOnlyList<InviteDto> Invites { get; init; } = [];
}
