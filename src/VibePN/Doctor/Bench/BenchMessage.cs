using System.Buffers.Binary;

namespace VibePN.Doctor.Bench;

/// <summary>
/// The one record of control connections and of the beginning of data connections, both ways: fixed size, big-endian. What a kind has no use for is zero.
/// </summary>
internal sealed class BenchMessage
{
    public const int Bytes = 108;
    public const int TokenBytes = 16;

    /// <summary>Bounds of what may be asked.</summary>
    public const int MinMillis = 100;
    public const int MaxMillis = 30_000;
    public const int MaxRateKilobits = 1_000_000;
    public const int MinDatagramBytes = 64;
    public const int MaxDatagramBytes = 9_000;

    /// <summary>Of a share that is not known.</summary>
    public const int Unknown = 0xffff;

    private const uint Magic = 0x76706231;
    private const long MaxCount = 1L << 50;
    private const uint UnknownLoss = uint.MaxValue;

    public required BenchKind Kind { get; init; }

    public BenchTest Test { get; init; }

    public BenchStatus Status { get; init; }

    public bool IsOutside { get; init; }

    public int Port { get; init; }

    /// <summary>0: not known.</summary>
    public int MtuBytes { get; init; }

    public int Millis { get; init; }

    public int RateKilobits { get; init; }

    public int DatagramBytes { get; init; }

    /// <summary><see cref="TokenBytes"/> of them.</summary>
    public byte[] Token { get; init; } = new byte[TokenBytes];

    public long Received { get; init; }

    public long Micros { get; init; }

    public long Packets { get; init; }

    public long Sent { get; init; }

    public long Reordered { get; init; }

    public int JitterMicros { get; init; }

    /// <summary>Thousandths of one core, or <see cref="Unknown"/>.</summary>
    public int DaemonPermille { get; init; } = Unknown;

    /// <summary>Thousandths of all processors, or <see cref="Unknown"/>.</summary>
    public int BusyPermille { get; init; } = Unknown;

    /// <summary>0 to 1; null: not known.</summary>
    public double? Loss { get; init; }

    public int QueueMillis { get; init; }

    public BenchFlags Flags { get; init; }

    /// <summary>What may be asked of a server.</summary>
    public bool IsRunnable => Kind == BenchKind.Run && Millis is >= MinMillis and <= MaxMillis && Test switch
    {
        BenchTest.Echo or BenchTest.TcpUp or BenchTest.TcpDown => true,
        BenchTest.UdpUp or BenchTest.UdpDown => RateKilobits is > 0 and <= MaxRateKilobits && DatagramBytes is >= MinDatagramBytes and <= MaxDatagramBytes,
        _ => false,
    };

    public byte[] Write()
    {
        byte[] to = new byte[Bytes];
        BinaryPrimitives.WriteUInt32BigEndian(to, Magic);
        (to[4], to[5], to[6], to[7]) = ((byte)Kind, (byte)Test, (byte)Status, (byte)(IsOutside ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(to.AsSpan(8), (ushort)Math.Clamp(Port, 0, ushort.MaxValue));
        BinaryPrimitives.WriteUInt16BigEndian(to.AsSpan(10), (ushort)Math.Clamp(MtuBytes, 0, ushort.MaxValue));
        BinaryPrimitives.WriteInt32BigEndian(to.AsSpan(12), Math.Clamp(Millis, 0, MaxMillis));
        BinaryPrimitives.WriteInt32BigEndian(to.AsSpan(16), Math.Clamp(RateKilobits, 0, MaxRateKilobits));
        BinaryPrimitives.WriteUInt16BigEndian(to.AsSpan(20), (ushort)Math.Clamp(DatagramBytes, 0, MaxDatagramBytes));
        Token.AsSpan(0, TokenBytes).CopyTo(to.AsSpan(24));
        WriteCount(to, 40, Received);
        WriteCount(to, 48, Micros);
        WriteCount(to, 56, Packets);
        WriteCount(to, 64, Sent);
        WriteCount(to, 72, Reordered);
        BinaryPrimitives.WriteInt32BigEndian(to.AsSpan(80), Math.Max(0, JitterMicros));
        BinaryPrimitives.WriteUInt16BigEndian(to.AsSpan(84), (ushort)Math.Clamp(DaemonPermille, 0, Unknown));
        BinaryPrimitives.WriteUInt16BigEndian(to.AsSpan(86), (ushort)Math.Clamp(BusyPermille, 0, Unknown));
        BinaryPrimitives.WriteUInt32BigEndian(to.AsSpan(88), Loss is { } loss ? (uint)(Math.Clamp(loss, 0, 1) * 1e6) : UnknownLoss);
        BinaryPrimitives.WriteInt32BigEndian(to.AsSpan(92), Math.Max(0, QueueMillis));
        to[96] = (byte)Flags;
        return to;
    }

    /// <returns>Null: it is none.</returns>
    public static BenchMessage? TryRead(ReadOnlySpan<byte> from)
    {
        if (from.Length != Bytes || BinaryPrimitives.ReadUInt32BigEndian(from) != Magic || from[97..].IndexOfAnyExcept((byte)0) >= 0 || from[22] != 0 || from[23] != 0)
        {
            return null;
        }

        uint loss = BinaryPrimitives.ReadUInt32BigEndian(from[88..]);
        BenchMessage message = new()
        {
            Kind = (BenchKind)from[4],
            Test = (BenchTest)from[5],
            Status = (BenchStatus)from[6],
            IsOutside = from[7] == 1,
            Port = BinaryPrimitives.ReadUInt16BigEndian(from[8..]),
            MtuBytes = BinaryPrimitives.ReadUInt16BigEndian(from[10..]),
            Millis = BinaryPrimitives.ReadInt32BigEndian(from[12..]),
            RateKilobits = BinaryPrimitives.ReadInt32BigEndian(from[16..]),
            DatagramBytes = BinaryPrimitives.ReadUInt16BigEndian(from[20..]),
            Token = from.Slice(24, TokenBytes).ToArray(),
            Received = BinaryPrimitives.ReadInt64BigEndian(from[40..]),
            Micros = BinaryPrimitives.ReadInt64BigEndian(from[48..]),
            Packets = BinaryPrimitives.ReadInt64BigEndian(from[56..]),
            Sent = BinaryPrimitives.ReadInt64BigEndian(from[64..]),
            Reordered = BinaryPrimitives.ReadInt64BigEndian(from[72..]),
            JitterMicros = BinaryPrimitives.ReadInt32BigEndian(from[80..]),
            DaemonPermille = BinaryPrimitives.ReadUInt16BigEndian(from[84..]),
            BusyPermille = BinaryPrimitives.ReadUInt16BigEndian(from[86..]),
            Loss = loss == UnknownLoss ? null : loss / 1e6,
            QueueMillis = BinaryPrimitives.ReadInt32BigEndian(from[92..]),
            Flags = (BenchFlags)from[96],
        };
        return from[7] <= 1 && message.IsInBounds() && (loss <= 1_000_000 || loss == UnknownLoss) ? message : null;
    }

    private bool IsInBounds() =>
        Kind is >= BenchKind.Hello and <= BenchKind.Refused && Test <= BenchTest.UdpDown && Status <= BenchStatus.NoPort && (byte)Flags < 64
        && Millis is >= 0 and <= MaxMillis && RateKilobits is >= 0 and <= MaxRateKilobits && DatagramBytes <= MaxDatagramBytes
        && JitterMicros >= 0 && QueueMillis >= 0
        && Received is >= 0 and <= MaxCount && Micros is >= 0 and <= MaxCount && Packets is >= 0 and <= MaxCount && Sent is >= 0 and <= MaxCount && Reordered is >= 0 and <= MaxCount;

    private static void WriteCount(byte[] to, int at, long value) => BinaryPrimitives.WriteInt64BigEndian(to.AsSpan(at), Math.Clamp(value, 0, MaxCount));
}
