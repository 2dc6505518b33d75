using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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

    /// <summary>Two overlapping loads span the 28 bytes; those behind the length are 0. Asked for every packet.</summary>
    public bool Equals(QuicAddress other)
    {
        ref var left = ref Unsafe.As<Storage, byte>(ref Unsafe.AsRef(in _bytes));
        ref var right = ref Unsafe.As<Storage, byte>(ref Unsafe.AsRef(in other._bytes));
        var difference = (Vector128.LoadUnsafe(ref left) ^ Vector128.LoadUnsafe(ref right))
            | (Vector128.LoadUnsafe(ref left, MaxBytes - 16) ^ Vector128.LoadUnsafe(ref right, MaxBytes - 16));
        return _length == other._length && difference == Vector128<byte>.Zero;
    }

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
