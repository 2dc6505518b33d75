namespace VibePN.Quic.Crypto;

/// <summary>From a TLS traffic secret to packet keys: QUIC version 1, SHA-256 suites (RFC 9001 §5.1, §6.1).</summary>
internal static class KeySchedule
{
    public const int SecretBytes = 32;

    private const int MaxLabelBytes = 16;

    public static ReadOnlySpan<byte> KeyLabel => "quic key"u8;

    public static ReadOnlySpan<byte> IvLabel => "quic iv"u8;

    public static ReadOnlySpan<byte> HeaderLabel => "quic hp"u8;

    public static ReadOnlySpan<byte> UpdateLabel => "quic ku"u8;

    /// <summary>HKDF-Expand-Label with an empty context (RFC 8446 §7.1).</summary>
    /// <exception cref="QuicException">GnuTLS refused.</exception>
    public static void Expand(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> label, Span<byte> output)
    {
        var prefix = "tls13 "u8;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(label.Length, MaxLabelBytes - prefix.Length);
        Span<byte> info = stackalloc byte[2 + 1 + MaxLabelBytes + 1];
        info[0] = (byte)(output.Length >> 8);
        info[1] = (byte)output.Length;
        info[2] = (byte)(prefix.Length + label.Length);
        prefix.CopyTo(info[3..]);
        label.CopyTo(info[(3 + prefix.Length)..]);
        var end = 3 + prefix.Length + label.Length;
        info[end] = 0;
        TlsPrimitives.HkdfSha256Expand(secret, info[..(end + 1)], output);
    }
}
