using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace VibePN;

/// <summary>
/// Who a node is: the SHA-256 of its first certificate's DER. Pins, peers and automatic addresses hang on it; renewal of the
/// certificate does not change it. Written as 64 lower-case hexadecimal digits. Ordered as the 32 bytes are, first byte first:
/// the protocol's "smaller node" is the smaller value of this order.
/// </summary>
public readonly record struct PeerId : IComparable<PeerId>
{
    public const int SizeBytes = 32;

    // Four big-endian words: the value order is then the byte order, and equality needs no array.
    private readonly ulong _w0;
    private readonly ulong _w1;
    private readonly ulong _w2;
    private readonly ulong _w3;

    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public PeerId(ReadOnlySpan<byte> digest)
    {
        if (digest.Length != SizeBytes)
        {
            throw new ArgumentException($"A fingerprint has {SizeBytes} bytes, not {digest.Length}.", nameof(digest));
        }

        _w0 = BinaryPrimitives.ReadUInt64BigEndian(digest);
        _w1 = BinaryPrimitives.ReadUInt64BigEndian(digest[8..]);
        _w2 = BinaryPrimitives.ReadUInt64BigEndian(digest[16..]);
        _w3 = BinaryPrimitives.ReadUInt64BigEndian(digest[24..]);
    }

    /// <summary>The id of the node whose first certificate this is.</summary>
    public static PeerId OfCertificate(ReadOnlySpan<byte> der)
    {
        Span<byte> digest = stackalloc byte[SizeBytes];
        Digest.Sha256(der, digest);
        return new PeerId(digest);
    }

    /// <summary>64 hexadecimal digits, upper or lower case, nothing else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out PeerId id)
    {
        id = default;
        if (text is null || text.Length != SizeBytes * 2)
        {
            return false;
        }

        Span<byte> digest = stackalloc byte[SizeBytes];
        if (Convert.FromHexString(text, digest, out _, out int written) != System.Buffers.OperationStatus.Done || written != SizeBytes)
        {
            return false;
        }

        id = new PeerId(digest);
        return true;
    }

    /// <exception cref="FormatException">Not 64 hexadecimal digits.</exception>
    public static PeerId Parse(string text) =>
        TryParse(text, out PeerId id) ? id : throw new FormatException("A fingerprint is 64 hexadecimal digits.");

    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _w0);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _w1);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _w2);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _w3);
    }

    public int CompareTo(PeerId other)
    {
        int order = _w0.CompareTo(other._w0);
        order = order != 0 ? order : _w1.CompareTo(other._w1);
        order = order != 0 ? order : _w2.CompareTo(other._w2);
        return order != 0 ? order : _w3.CompareTo(other._w3);
    }

    public static bool operator <(PeerId left, PeerId right) => left.CompareTo(right) < 0;

    public static bool operator >(PeerId left, PeerId right) => left.CompareTo(right) > 0;

    public static bool operator <=(PeerId left, PeerId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(PeerId left, PeerId right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{_w0:x16}{_w1:x16}{_w2:x16}{_w3:x16}";

    /// <summary>The first 12 digits: enough to tell peers apart in a table or a log line, never to decide anything.</summary>
    public string Brief => ToString()[..12];
}
