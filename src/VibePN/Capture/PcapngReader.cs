using System.Buffers.Binary;
using System.Text;

namespace VibePN.Capture;

/// <summary>Reads what <see cref="PcapngWriter"/> wrote, block by block, and no other files: one section, little-endian, nanoseconds.</summary>
public sealed class PcapngReader(Stream from)
{
    /// <summary>Far above the largest packet with its options.</summary>
    private const int MaxBlockBytes = 256 * 1024;

    private const int HeadBytes = 8;
    private const int PacketHeadBytes = 20;

    private readonly List<string> _interfaces = [];
    private byte[] _block = new byte[4096];
    private int _length;

    /// <summary>The block that was read last, whole; valid until the next read.</summary>
    public ReadOnlyMemory<byte> Block => _block.AsMemory(0, _length);

    /// <returns>False: the stream has ended between two blocks.</returns>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    /// <exception cref="EndOfStreamException">It ends within a block.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancel)
    {
        var read = await from.ReadAtLeastAsync(_block.AsMemory(0, HeadBytes), HeadBytes, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        if (read == 0)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(_block.AsSpan(sizeof(uint)));
        if (read < HeadBytes || length is < HeadBytes + sizeof(uint) or > MaxBlockBytes || length % sizeof(uint) != 0)
        {
            throw new InvalidDataException($"a block of {length} bytes");
        }

        if (length > _block.Length)
        {
            Array.Resize(ref _block, (int)length);
        }

        _length = (int)length;
        await from.ReadExactlyAsync(_block.AsMemory(HeadBytes, _length - HeadBytes), cancel).ConfigureAwait(false);
        if (Type == PcapngWriter.InterfaceDescription)
        {
            _interfaces.Add(Text(Options(HeadBytes), PcapngWriter.InterfaceName));
        }

        return true;
    }

    /// <returns>False: the block is something else.</returns>
    /// <exception cref="InvalidDataException">Its lengths contradict each other.</exception>
    public bool TryGetPacket(out PcapngPacket packet)
    {
        packet = default;
        if (Type != PcapngWriter.EnhancedPacket)
        {
            return false;
        }

        var body = _block.AsSpan(HeadBytes, _length - HeadBytes - sizeof(uint));
        if (body.Length < PacketHeadBytes)
        {
            throw new InvalidDataException("a packet block without its head");
        }

        var network = Read32(body, 0);
        var kept = Read32(body, 12);
        if (network >= _interfaces.Count || kept > body.Length - PacketHeadBytes)
        {
            throw new InvalidDataException("a packet block that contradicts itself");
        }

        var options = Options(HeadBytes + PacketHeadBytes + (((int)kept + 3) & ~3));
        var flags = Find(options, PcapngWriter.PacketFlags);
        var lost = Find(options, PcapngWriter.PacketDropCount);
        packet = new PcapngPacket
        {
            Interface = _interfaces[(int)network],
            UtcNanos = ((ulong)Read32(body, 4) << 32) | Read32(body, 8),
            IsOut = flags.Length == sizeof(uint) && (Read32(flags, 0) & 3) == 2,
            Comment = Text(options, PcapngWriter.Comment),
            LostBefore = lost.Length == sizeof(ulong) ? BinaryPrimitives.ReadUInt64LittleEndian(lost) : 0,
            WholeBytes = (int)Math.Min(Read32(body, 16), int.MaxValue),
            Bytes = _block.AsMemory(HeadBytes + PacketHeadBytes, (int)kept),
        };
        return true;
    }

    private uint Type => BinaryPrimitives.ReadUInt32LittleEndian(_block);

    /// <summary>From there to the length at the end; an interface's own fields are skipped.</summary>
    private ReadOnlySpan<byte> Options(int at)
    {
        at += Type == PcapngWriter.InterfaceDescription ? HeadBytes : 0;
        var end = _length - sizeof(uint);
        return at < end ? _block.AsSpan(at, end - at) : default;
    }

    private static string Text(ReadOnlySpan<byte> options, ushort code) => Encoding.UTF8.GetString(Find(options, code));

    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> options, ushort code)
    {
        while (options.Length >= sizeof(uint))
        {
            var found = BinaryPrimitives.ReadUInt16LittleEndian(options);
            var length = BinaryPrimitives.ReadUInt16LittleEndian(options[sizeof(ushort)..]);
            var next = sizeof(uint) + ((length + 3) & ~3);
            if (found == 0 || next > options.Length)
            {
                break;
            }

            if (found == code)
            {
                return options.Slice(sizeof(uint), length);
            }

            options = options[next..];
        }

        return default;
    }

    private static uint Read32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
