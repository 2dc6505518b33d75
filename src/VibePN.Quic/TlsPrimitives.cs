namespace VibePN.Quic;

public static class TlsPrimitives
{
    public const int Sha256Bytes = 32;

    public static void Sha256(ReadOnlySpan<byte> data, Span<byte> digest) => throw new NotImplementedException();

    public static void HmacSha256(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> mac) => throw new NotImplementedException();

    public static void HkdfSha256Extract(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt, Span<byte> pseudoRandomKey) => throw new NotImplementedException();

    public static void HkdfSha256Expand(ReadOnlySpan<byte> pseudoRandomKey, ReadOnlySpan<byte> info, Span<byte> output) => throw new NotImplementedException();

    public static void FillRandom(Span<byte> output) => throw new NotImplementedException();
}
