namespace VibePN.Api;

/// <summary>Answer of <c>POST /v1/invites</c>: the only place where the invite itself is ever told.</summary>
public sealed record NewInviteDto
{
    /// <summary>The line for <c>vibepn join</c>. Whoever has it can join, once.</summary>
    public required string Invite { get; init; }

    /// <summary>Names it in lists and for <c>--revoke</c>; no secret.</summary>
    public required string Id { get; init; }

    public required string Network { get; init; }

    public string? For { get; init; }

    /// <summary>Where the one who joins will dial.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    public required DateTimeOffset ExpiresUtc { get; init; }
}
