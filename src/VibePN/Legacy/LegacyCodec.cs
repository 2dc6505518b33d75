using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using VibePN.Config;
using VibePN.Control;
using VibePN.Routing;

namespace VibePN.Legacy;

/// <summary>
/// Control messages of <c>vibepn/0.1</c> as bytes: a 2-byte length, which counts the type and the body, one byte of type, the body. All
/// numbers are big-endian. Unknown types are skipped; every length is checked before it is used. What is written is well-formed whatever
/// the caller asks for: the deployed daemons do not survive a malformed announcement.
/// </summary>
internal static class LegacyCodec
{
    public const int MaxMessageBytes = 4096;

    private const int LengthBytes = 2;
    private const int HeaderBytes = LengthBytes + 1;
    private const int NumberBytes = 8;
    private const int MetricBytes = 2;

    private const byte Hello = (byte)'H';
    private const byte Announce = (byte)'A';
    private const byte Withdraw = (byte)'W';
    private const byte Keepalive = (byte)'K';
    private const byte Goodbye = (byte)'G';

    /// <summary>Whether bytes begin like a message: a length that one can have, and a type there is.</summary>
    public static bool IsMessage(ReadOnlySpan<byte> source) =>
        source.Length >= HeaderBytes && BinaryPrimitives.ReadUInt16BigEndian(source) is >= 1 and <= MaxMessageBytes
        && source[LengthBytes] is Hello or Announce or Withdraw or Keepalive or Goodbye;

    /// <summary>Reads one message from the front of <paramref name="source"/>.</summary>
    /// <param name="message">The message, or null when it is of an unknown type or not complete.</param>
    /// <returns>Bytes consumed; 0 when more are needed, at most <see cref="MaxMessageBytes"/> and the length.</returns>
    /// <exception cref="ControlException">The bytes are no message.</exception>
    public static int TryRead(ReadOnlySpan<byte> source, out LegacyMessage? message)
    {
        message = null;
        if (source.Length < LengthBytes)
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(source);
        if (length is 0 or > MaxMessageBytes)
        {
            throw Malformed($"a message of {length} bytes");
        }

        if (source.Length < LengthBytes + length)
        {
            return 0;
        }

        var body = source.Slice(HeaderBytes, length - 1);
        message = source[LengthBytes] switch
        {
            Hello => new LegacyHello(Number(body)),
            Announce => ReadAnnounce(body),
            Withdraw => ReadWithdraw(body),
            Keepalive => new LegacyKeepalive(Number(body)),
            Goodbye => new LegacyGoodbye(),
            _ => null,
        };
        return LengthBytes + length;
    }

    public static void WriteHello(IBufferWriter<byte> writer, ulong nonce) => WriteNumber(writer, Hello, nonce);

    public static void WriteKeepalive(IBufferWriter<byte> writer, long utcSeconds) => WriteNumber(writer, Keepalive, (ulong)Math.Max(utcSeconds, 0));

    public static void WriteGoodbye(IBufferWriter<byte> writer) => Finish(writer, Start(writer), HeaderBytes, Goodbye);

    /// <summary>Writes as many announcements as the routes need; none for none.</summary>
    /// <exception cref="ArgumentException">The name is none.</exception>
    public static void WriteAnnounce(IBufferWriter<byte> writer, string network, IReadOnlyList<Prefix> routes, ushort metric)
    {
        var next = 0;
        while (next < routes.Count)
        {
            var message = Start(writer);
            var at = HeaderBytes + WriteText(message[HeaderBytes..], CheckName(network));
            for (; next < routes.Count; next++)
            {
                var text = routes[next].ToString();
                if (at + 1 + text.Length + MetricBytes > LengthBytes + MaxMessageBytes)
                {
                    break;
                }

                at += WriteText(message[at..], text);
                BinaryPrimitives.WriteUInt16BigEndian(message[at..], metric);
                at += MetricBytes;
            }

            Finish(writer, message, at, Announce);
        }
    }

    /// <exception cref="ArgumentException">The name is none.</exception>
    public static void WriteWithdraw(IBufferWriter<byte> writer, string network, Prefix prefix)
    {
        var message = Start(writer);
        var at = HeaderBytes + WriteText(message[HeaderBytes..], CheckName(network));
        at += WriteText(message[at..], prefix.ToString());
        Finish(writer, message, at, Withdraw);
    }

    /// <summary>A prefix as text; host bits that are set do not count.</summary>
    internal static Prefix? ReadPrefix(ReadOnlySpan<byte> text)
    {
        const int MaxPrefixBytes = 43;
        var slash = text.IndexOf((byte)'/');
        if (slash < 0 || text.Length > MaxPrefixBytes || !Ascii.IsValid(text)
            || !IpText.TryParseAddress(Encoding.ASCII.GetString(text[..slash]), out var address)
            || !int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || length > IpText.MaxLength(address))
        {
            return null;
        }

        return new Prefix(IpKey.FromIPAddress(address), length);
    }

    private static LegacyAnnounce ReadAnnounce(ReadOnlySpan<byte> body)
    {
        var name = Name(Take(ref body));
        var routes = new List<(Prefix Prefix, ushort Metric)>();
        var unreadable = 0;
        while (!body.IsEmpty)
        {
            var prefix = ReadPrefix(Take(ref body));
            if (body.Length < MetricBytes)
            {
                throw Malformed("an announced route without a metric");
            }

            var metric = BinaryPrimitives.ReadUInt16BigEndian(body);
            body = body[MetricBytes..];
            if (prefix is { } read)
            {
                routes.Add((read, metric));
            }
            else
            {
                unreadable++;
            }
        }

        return new LegacyAnnounce(name, routes, unreadable);
    }

    private static LegacyWithdraw ReadWithdraw(ReadOnlySpan<byte> body)
    {
        var name = Name(Take(ref body));
        return new LegacyWithdraw(name, ReadPrefix(Take(ref body)));
    }

    /// <summary>A field behind one byte of length.</summary>
    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty || body.Length < 1 + body[0])
        {
            throw Malformed("a length beyond what holds it");
        }

        var field = body.Slice(1, body[0]);
        body = body[(1 + field.Length)..];
        return field;
    }

    /// <summary>What is no network's name here becomes empty: no network has it.</summary>
    private static string Name(ReadOnlySpan<byte> bytes) => LegacyFrame.IsName(bytes) ? Encoding.ASCII.GetString(bytes) : "";

    private static ulong Number(ReadOnlySpan<byte> body) =>
        body.Length == NumberBytes ? BinaryPrimitives.ReadUInt64BigEndian(body) : throw Malformed($"a number of {body.Length} bytes");

    private static void WriteNumber(IBufferWriter<byte> writer, byte type, ulong number)
    {
        var message = Start(writer);
        BinaryPrimitives.WriteUInt64BigEndian(message[HeaderBytes..], number);
        Finish(writer, message, HeaderBytes + NumberBytes, type);
    }

    private static Span<byte> Start(IBufferWriter<byte> writer) => writer.GetSpan(LengthBytes + MaxMessageBytes);

    private static void Finish(IBufferWriter<byte> writer, Span<byte> message, int bytes, byte type)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message, (ushort)(bytes - LengthBytes));
        message[LengthBytes] = type;
        writer.Advance(bytes);
    }

    private static int WriteText(Span<byte> destination, string text)
    {
        destination[0] = (byte)text.Length;
        return 1 + Encoding.ASCII.GetBytes(text, destination[1..]);
    }

    private static string CheckName(string network) =>
        Names.IsValid(network) ? network : throw new ArgumentException($"'{network}' is no name", nameof(network));

    private static ControlException Malformed(string what) => new(CloseReason.Malformed, what);
}
