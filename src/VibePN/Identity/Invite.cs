using System.Net;
using VibePN.Config;
using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>What one host hands to another so that it can join a network: the content of the line that <see cref="InviteCodec"/> reads and writes.</summary>
public sealed record Invite
{
    public const int SecretBytes = 16;

    public const int MaxAddresses = Limits.InviteAddresses;

    public const int MaxRoutes = Limits.InviteRoutes;

    /// <summary>9999-12-31T23:59:59Z, the last moment that dates can be written for.</summary>
    public const long LastUtcSeconds = 253_402_300_799;

    public required InviteId Id { get; init; }

    /// <summary><see cref="SecretBytes"/> bytes; whoever has them may join. Not for logs.</summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>Who invites: pinned by the one who joins.</summary>
    public required PeerId Inviter { get; init; }

    /// <summary>Its name, for the joiner's entry.</summary>
    public required string InviterName { get; init; }

    /// <summary>Where it is dialed; 1 to <see cref="Limits.InviteAddresses"/>.</summary>
    public required IReadOnlyList<HostPort> Addresses { get; init; }

    public required string Network { get; init; }

    /// <summary>At least one; no two overlap.</summary>
    public required IReadOnlyList<IPNetwork> Prefixes { get; init; }

    /// <summary>The last second in which it is good.</summary>
    public required long ExpiresUtcSeconds { get; init; }

    /// <summary>What the inviter will call the one who joins; null: what that calls itself.</summary>
    public string? JoinerName { get; init; }

    /// <summary>What the joiner may announce beyond its own addresses.</summary>
    public IReadOnlyList<IPNetwork> Routes { get; init; } = [];

    /// <summary>An id and a secret that nobody has had before.</summary>
    public static (InviteId Id, byte[] Secret) Draw()
    {
        Span<byte> id = stackalloc byte[InviteId.SizeBytes];
        TlsPrimitives.FillRandom(id);
        byte[] secret = new byte[SecretBytes];
        TlsPrimitives.FillRandom(secret);
        return (new InviteId(id), secret);
    }
}
