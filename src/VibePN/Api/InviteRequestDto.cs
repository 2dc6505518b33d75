namespace VibePN.Api;

/// <summary>Body of <c>POST /v1/invites</c>.</summary>
public sealed record InviteRequestDto
{
    /// <summary>Absent: the only one.</summary>
    public string? Network { get; init; }

    /// <summary>Where this node is dialed, HOST:PORT, at most eight; empty: the host's own addresses.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>What the one who joins is called here; absent: what it calls itself.</summary>
    public string? For { get; init; }

    /// <summary>Absent: a day.</summary>
    public double? ExpiresInSeconds { get; init; }

    /// <summary>What it may announce beyond its own addresses.</summary>
    public IReadOnlyList<string> Routes { get; init; } = [];
}
