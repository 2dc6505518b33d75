using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using VibePN.Linux;

namespace VibePN.Capture;

/// <summary>
/// Writes captured packets as a pcapng file (draft-ietf-opsawg-pcapng), little-endian: one section, an interface for each network when its first
/// packet comes, and an enhanced packet block for each packet, whose comment tells peer, network and why it was dropped. Not thread-safe.
/// </summary>
/// <param name="to">Where the file goes, in whole blocks.</param>
/// <param name="snapBytes">Of each packet at most.</param>
/// <param name="utcOffsetNanos">Nanoseconds since 1970 at the moment 0 of <see cref="CapturedPacket.Nanos"/>.</param>
public sealed class PcapngWriter(IBufferWriter<byte> to, int snapBytes, ulong utcOffsetNanos)
{
    internal const uint SectionHeader = 0x0a0d0d0a;
    internal const uint InterfaceDescription = 1;
    internal const uint EnhancedPacket = 6;
    internal const uint ByteOrderMagic = 0x1a2b3c4d;

    /// <summary>Options (draft-ietf-opsawg-pcapng §3.5, §4.1, §4.2, §4.3).</summary>
    internal const ushort Comment = 1;
    internal const ushort InterfaceName = 2;
    internal const ushort InterfaceText = 3;
    internal const ushort PacketFlags = 2;
    internal const ushort PacketDropCount = 4;
    private const ushort Application = 4;
    private const ushort TimeResolution = 9;

    /// <summary>LINKTYPE_RAW: an IP packet, whose first nibble is its version.</summary>
    private const ushort RawIp = 101;

    private const byte Nanoseconds = 9;
    private const uint Inbound = 1;
    private const uint Outbound = 2;

    /// <summary>Names come from peers: no comment is longer.</summary>
    private const int MaxTextBytes = 512;

    private readonly List<(string Network, string Interface)> _interfaces = [];
    private byte[] _block = new byte[1024];
    private int _length;

    /// <summary>What <see cref="CapturedPacket.Nanos"/> of now are less than the nanoseconds since 1970.</summary>
    public static ulong UtcOffsetNanos(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return ((ulong)(clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100) - BootClock.Nanos();
    }

    /// <param name="application">Name and version of who writes.</param>
    /// <param name="comment">Whose traffic it is.</param>
    public void WriteHeader(string application, string comment)
    {
        Begin(SectionHeader);
        Put32(ByteOrderMagic);
        Put16(1);
        Put16(0);
        Put64(ulong.MaxValue);
        PutText(Comment, comment);
        PutText(Application, application);
        End();
    }

    /// <param name="bytes">As many as were kept. Where all were, a checksum that is not complete is completed in place.</param>
    public void Write(in CapturedPacket packet, Span<byte> bytes)
    {
        var number = NumberOf(packet);
        if (packet.ChecksumPartial && bytes.Length == packet.WholeBytes && IpHeader.TryParse(bytes, out var ip))
        {
            Checksum.Complete(bytes, ip);
        }

        Begin(EnhancedPacket);
        var nanos = packet.Nanos + utcOffsetNanos;
        Put32((uint)number);
        Put32((uint)(nanos >> 32));
        Put32((uint)nanos);
        Put32((uint)bytes.Length);
        Put32((uint)packet.WholeBytes);
        Put(bytes);
        PutText(Comment, CommentOf(packet));
        PutOption(PacketFlags, sizeof(uint));
        Put32(packet.IsOut ? Outbound : Inbound);
        if (packet.LostBefore > 0)
        {
            PutOption(PacketDropCount, sizeof(ulong));
            Put64(packet.LostBefore);
        }

        End();
    }

    /// <summary>What a person reads beside the packet.</summary>
    internal static string CommentOf(in CapturedPacket packet)
    {
        var where = (packet.Peer, packet.IsOut) switch
        {
            (null, true) => "out",
            (null, false) => "in from this node",
            ({ } peer, true) => $"out to peer {peer}",
            ({ } peer, false) => $"in from peer {peer}",
        };
        where += $", network {packet.Network}";
        return packet.Reason is not { } reason ? where
            : $"{where}, dropped: {DropReasons.NameOf(reason)} ({DropReasons.WordsOf(reason)}){(packet.Packets > 1 ? $", {packet.Packets} packets in one" : "")}";
    }

    private int NumberOf(in CapturedPacket packet)
    {
        var number = _interfaces.IndexOf((packet.Network, packet.Interface));
        if (number >= 0)
        {
            return number;
        }

        Begin(InterfaceDescription);
        Put16(RawIp);
        Put16(0);
        Put32((uint)snapBytes);
        PutText(InterfaceName, packet.Interface);
        PutText(InterfaceText, $"network {packet.Network}");
        PutOption(TimeResolution, 1);
        Put([Nanoseconds]);
        End();
        _interfaces.Add((packet.Network, packet.Interface));
        return _interfaces.Count - 1;
    }

    private void Begin(uint type)
    {
        _length = 0;
        Put32(type);
        Put32(0);
    }

    /// <summary>Ends the options, and writes the block with its length at both ends.</summary>
    private void End()
    {
        PutOption(0, 0);
        var total = (uint)(_length + sizeof(uint));
        Put32(total);
        BinaryPrimitives.WriteUInt32LittleEndian(_block.AsSpan(sizeof(uint)), total);
        to.Write(_block.AsSpan(0, _length));
    }

    private void PutText(ushort code, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text.Length <= MaxTextBytes ? text : text[..MaxTextBytes]);
        PutOption(code, bytes.Length);
        Put(bytes);
    }

    private void PutOption(ushort code, int bytes)
    {
        Put16(code);
        Put16((ushort)bytes);
    }

    private void Put16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(sizeof(ushort)), value);

    private void Put32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(sizeof(uint)), value);

    private void Put64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(sizeof(ulong)), value);

    /// <summary>With zeros up to the next 32 bits.</summary>
    private void Put(ReadOnlySpan<byte> bytes)
    {
        var room = Take((bytes.Length + 3) & ~3);
        bytes.CopyTo(room);
        room[bytes.Length..].Clear();
    }

    private Span<byte> Take(int bytes)
    {
        if (_length + bytes > _block.Length)
        {
            Array.Resize(ref _block, Math.Max(2 * _block.Length, _length + bytes));
        }

        _length += bytes;
        return _block.AsSpan(_length - bytes, bytes);
    }
}
