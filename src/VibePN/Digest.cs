
namespace VibePN;

/// <summary>The one place where the node hashes.</summary>
internal static class Digest
{
    public const int Sha256Bytes = 32;

    public static void Sha256(ReadOnlySpan<byte> data, Span<byte> digest) => VibePN.Quic.TlsPrimitives.Sha256(data, digest);
}
