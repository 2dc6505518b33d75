using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace VibePN.Quic;

/// <summary>
/// One end of a path: the raw bytes of a <c>sockaddr_in</c> or <c>sockaddr_in6</c> (at most 28), opaque here beyond their length.
/// </summary>
public readonly struct QuicAddress : IEquatable<QuicAddress>
{
    public const int MaxBytes = 28;

    private readonly Storage _bytes;
    private readonly byte _length;

    /// <exception cref="ArgumentException">Longer than <see cref="MaxBytes"/>.</exception>
    public QuicAddress(ReadOnlySpan<byte> sockaddr)
    {
        if (sockaddr.Length > MaxBytes)
        {
            throw new ArgumentException("a path's address has at most 28 bytes", nameof(sockaddr));
        }

        _length = (byte)sockaddr.Length;
        sockaddr.CopyTo(_bytes);
    }

    public int Length => _length;

    /// <summary>The bytes, borrowed from this value: valid as long as the variable that holds it.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => ((ReadOnlySpan<byte>)_bytes)[.._length];

    public bool Equals(QuicAddress other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is QuicAddress other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public static bool operator ==(QuicAddress left, QuicAddress right) => left.Equals(right);

    public static bool operator !=(QuicAddress left, QuicAddress right) => !left.Equals(right);

    [InlineArray(MaxBytes)]
    private struct Storage
    {
        private byte _first;
    }
}
