using System.Net;

namespace VibePN.Identity;

/// <summary>An invite as its maker remembers it; immutable.</summary>
public sealed record IssuedInvite
{
    public required InviteId Id { get; init; }

    /// <summary>What proofs are checked with: the invite's secret. Empty when the invite is over: then nobody gets in by it, whatever the clock says later. Not for logs.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    public required string Network { get; init; }

    /// <summary>What its user will be called here; null: what that calls itself.</summary>
    public string? JoinerName { get; init; }

    public IReadOnlyList<IPNetwork> Routes { get; init; } = [];

    public required long CreatedUtcSeconds { get; init; }

    /// <summary>The last second in which it is good.</summary>
    public required long ExpiresUtcSeconds { get; init; }

    public long? RevokedUtcSeconds { get; init; }

    public PeerId? UsedBy { get; init; }

    /// <summary>What its user was called here then.</summary>
    public string? UsedName { get; init; }

    public long? UsedUtcSeconds { get; init; }

    public InviteState StateAt(long nowUtcSeconds) =>
        RevokedUtcSeconds is not null ? InviteState.Revoked
        : UsedBy is not null ? InviteState.Used
        : nowUtcSeconds > ExpiresUtcSeconds || Key.IsEmpty ? InviteState.Expired
        : InviteState.Open;

    /// <summary>When it was over; the end of time while it is open.</summary>
    public long EndUtcSeconds => RevokedUtcSeconds ?? UsedUtcSeconds ?? ExpiresUtcSeconds;
}
