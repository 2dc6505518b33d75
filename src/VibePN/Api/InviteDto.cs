namespace VibePN.Api;

/// <summary>An invite that this node has made, without what it takes to use it.</summary>
public sealed record InviteDto
{
    /// <summary>32 hexadecimal digits.</summary>
    public required string Id { get; init; }

    public required InviteStatus State { get; init; }

    public required string Network { get; init; }

    /// <summary>What the one who joins is called here; absent: what it calls itself.</summary>
    public string? For { get; init; }

    /// <summary>What it may announce beyond its own addresses.</summary>
    public IReadOnlyList<string> Routes { get; init; } = [];

    public required DateTimeOffset CreatedUtc { get; init; }

    public required DateTimeOffset ExpiresUtc { get; init; }

    public DateTimeOffset? RevokedUtc { get; init; }

    /// <summary>Fingerprint of the node that joined by it.</summary>
    public string? UsedBy { get; init; }

    /// <summary>What that was called then.</summary>
    public string? UsedAs { get; init; }

    public DateTimeOffset? UsedUtc { get; init; }
}
