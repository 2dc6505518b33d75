using System.Security.Cryptography;
using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>
/// What a joiner's statement says: it was given the invite's secret, and uses it for itself. The MAC is
/// HMAC-SHA-256(secret, joiner's fingerprint ‖ inviter's fingerprint), so that a proof is of no use to anybody else.
/// </summary>
/// <param name="Mac">32 bytes.</param>
public readonly record struct InviteProof(InviteId Id, ReadOnlyMemory<byte> Mac)
{
    public const int MacBytes = TlsPrimitives.Sha256Bytes;

    public static InviteProof Make(InviteId id, ReadOnlySpan<byte> secret, PeerId joiner, PeerId inviter)
    {
        byte[] mac = new byte[MacBytes];
        Compute(secret, joiner, inviter, mac);
        return new InviteProof(id, mac);
    }

    /// <summary>In a time that does not tell how much of it is right.</summary>
    public bool Holds(ReadOnlySpan<byte> secret, PeerId joiner, PeerId inviter)
    {
        Span<byte> expected = stackalloc byte[MacBytes];
        Compute(secret, joiner, inviter, expected);
        return CryptographicOperations.FixedTimeEquals(expected, Mac.Span);
    }

    private static void Compute(ReadOnlySpan<byte> secret, PeerId joiner, PeerId inviter, Span<byte> mac)
    {
        Span<byte> both = stackalloc byte[2 * PeerId.SizeBytes];
        joiner.CopyTo(both);
        inviter.CopyTo(both[PeerId.SizeBytes..]);
        TlsPrimitives.HmacSha256(secret, both, mac);
    }
}
