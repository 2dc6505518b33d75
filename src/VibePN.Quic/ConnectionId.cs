using System.Runtime.CompilerServices;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary>A connection id of up to 20 bytes as a dictionary key: those that a dialer made up.</summary>
internal readonly struct ConnectionId : IEquatable<ConnectionId>
{
    private readonly Storage _bytes;
    private readonly byte _length;

    public ConnectionId(ReadOnlySpan<byte> bytes)
    {
        _length = checked((byte)bytes.Length);
        bytes.CopyTo(_bytes);
    }

    public bool Equals(ConnectionId other) =>
        ((ReadOnlySpan<byte>)_bytes)[.._length].SequenceEqual(((ReadOnlySpan<byte>)other._bytes)[..other._length]);

    public override bool Equals(object? obj) => obj is ConnectionId other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(((ReadOnlySpan<byte>)_bytes)[.._length]);
        return hash.ToHashCode();
    }

    [InlineArray(ngtcp2_cid.MaxBytes)]
    private struct Storage
    {
        private byte _first;
    }
}
