using System.Buffers.Binary;
using System.Security.Cryptography;

namespace VibePN.Doctor.Bench;

internal enum BenchDatagramKind : byte
{
    /// <summary>Client → server; comes back as <see cref="Answer"/>, of the same size.</summary>
    Echo = 1,

    Answer = 2,

    /// <summary>Client → server: UDP down is wanted here.</summary>
    Ask = 3,

    /// <summary>Server → client, where <see cref="Ask"/> came from: what has to be said there to get data. As long as what it answers.</summary>
    Challenge = 4,

    /// <summary>Client → server, with what the challenge said: the address is proven.</summary>
    Begin = 5,

    /// <summary>The sender's number and clock, and filling.</summary>
    Payload = 6,
}

/// <summary>The head of every datagram of a measurement: magic, kind, token, number, the sender's clock, cookie.</summary>
internal readonly struct BenchDatagram(BenchDatagramKind kind, uint number, long micros)
{
    public const int HeadBytes = 56;
    public const int CookieBytes = 16;

    private const uint Magic = 0x76706275;

    public BenchDatagramKind Kind { get; } = kind;

    /// <summary>From 0.</summary>
    public uint Number { get; } = number;

    public long Micros { get; } = micros;

    public static void Write(Span<byte> to, BenchDatagram head, ReadOnlySpan<byte> token, ReadOnlySpan<byte> cookie)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, Magic);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], (uint)head.Kind << 24);
        token[..BenchMessage.TokenBytes].CopyTo(to[8..]);
        BinaryPrimitives.WriteUInt64BigEndian(to[24..], head.Number);
        BinaryPrimitives.WriteInt64BigEndian(to[32..], head.Micros);
        to[40..HeadBytes].Clear();
        cookie.CopyTo(to[40..HeadBytes]);
    }

    /// <param name="from">What came.</param>
    /// <param name="token">Of the run; compared in a time that tells nothing.</param>
    /// <returns>Null: it does not belong to the run.</returns>
    public static BenchDatagram? TryRead(ReadOnlySpan<byte> from, ReadOnlySpan<byte> token) =>
        from.Length >= HeadBytes
        && BinaryPrimitives.ReadUInt32BigEndian(from) == Magic
        && from[4] is >= (byte)BenchDatagramKind.Echo and <= (byte)BenchDatagramKind.Payload
        && CryptographicOperations.FixedTimeEquals(from.Slice(8, BenchMessage.TokenBytes), token)
            ? new((BenchDatagramKind)from[4], BinaryPrimitives.ReadUInt32BigEndian(from[28..]), BinaryPrimitives.ReadInt64BigEndian(from[32..]))
            : null;

    public static ReadOnlySpan<byte> CookieOf(ReadOnlySpan<byte> from) => from[40..HeadBytes];
}
