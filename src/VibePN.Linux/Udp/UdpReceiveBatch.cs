using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>Native buffers for one <c>recvmmsg</c>, allocated once. One thread.</summary>
public sealed unsafe class UdpReceiveBatch : IDisposable
{
    internal const int DataBytes = 65_536;

    // pktinfo of both families, traffic class of both families, UDP_GRO: 144 bytes with their headers.
    private const int ControlBytes = 192;
    private const int NameBytes = 32;
    private const int MaxMessages = 1024;

    private readonly NativeBuffer _data;
    private readonly NativeBuffer _meta;
    private readonly Mmsghdr* _messages;
    private readonly Entry[] _entries;

    /// <param name="messages">Kernel messages per call, 1…1024.</param>
    public UdpReceiveBatch(int messages = 64)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(messages, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(messages, MaxMessages);
        Capacity = messages;
        _entries = new Entry[messages];
        _data = new NativeBuffer((nuint)messages * DataBytes);
        _meta = new NativeBuffer((nuint)(messages * (sizeof(Mmsghdr) + sizeof(Iovec) + ControlBytes + NameBytes)));
        _messages = (Mmsghdr*)_meta.Start;
        var vectors = (Iovec*)(_messages + messages);
        var controls = (byte*)(vectors + messages);
        var names = controls + (messages * ControlBytes);
        for (var i = 0; i < messages; i++)
        {
            vectors[i].iov_base = _data.Start + ((nuint)i * DataBytes);
            vectors[i].iov_len = DataBytes;
            ref var header = ref _messages[i].msg_hdr;
            header.msg_iov = vectors + i;
            header.msg_iovlen = 1;
            header.msg_control = controls + (i * ControlBytes);
            header.msg_name = names + (i * NameBytes);
        }
    }

    public int Capacity { get; }

    /// <summary>Messages of the last receive.</summary>
    public int Count { get; private set; }

    public UdpDatagram this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            ref readonly var entry = ref _entries[index];
            return new UdpDatagram
            {
                Bytes = new ReadOnlySpan<byte>(_data.Start + ((nuint)entry.Slot * DataBytes), entry.Bytes),
                Remote = entry.Remote,
                Local = entry.Local,
                Ecn = entry.Ecn,
                SegmentBytes = entry.SegmentBytes,
            };
        }
    }

    /// <summary>Messages no longer than this.</summary>
    public int CountUpTo(int bytes)
    {
        var count = 0;
        foreach (ref readonly var entry in _entries.AsSpan(0, Count))
        {
            count += entry.Bytes <= bytes ? 1 : 0;
        }

        return count;
    }

    /// <summary>Forgets all messages and gives the buffers' memory back until it is needed again.</summary>
    public void Release()
    {
        Count = 0;
        _data.Release();
    }

    public void Dispose()
    {
        Count = 0;
        _data.Dispose();
        _meta.Dispose();
    }

    /// <summary>The headers, reset for a call.</summary>
    internal Mmsghdr* Prepare()
    {
        Count = 0;
        _ = _meta.Start;
        for (var i = 0; i < Capacity; i++)
        {
            ref var header = ref _messages[i].msg_hdr;
            header.msg_namelen = NameBytes;
            header.msg_controllen = ControlBytes;
            header.msg_flags = 0;
        }

        return _messages;
    }

    /// <summary>Reads what a call has filled; unusable messages are left out.</summary>
    /// <param name="bound">The address of the socket: stands for the local address where the kernel gives none.</param>
    internal void Complete(int received, in SockAddr bound, ref UdpCounters counters)
    {
        for (var i = 0; i < received; i++)
        {
            ref readonly var message = ref _messages[i];
            ref var entry = ref _entries[Count];
            entry = default;
            var bytes = (int)Math.Min(message.msg_len, DataBytes);
            var name = new ReadOnlySpan<byte>(message.msg_hdr.msg_name, (int)Math.Min(message.msg_hdr.msg_namelen, NameBytes));
            var isTruncated = (message.msg_hdr.msg_flags & SocketConstants.MSG_TRUNC) != 0;
            if (bytes == 0 || isTruncated || !SockAddr.TryFromBytes(name, out entry.Remote))
            {
                counters.ReceiveInvalid++;
                continue;
            }

            entry.Slot = i;
            entry.Bytes = bytes;
            entry.SegmentBytes = bytes;
            entry.Local = bound;
            var control = new ReadOnlySpan<byte>(message.msg_hdr.msg_control, (int)Math.Min(message.msg_hdr.msg_controllen, ControlBytes));
            ReadControl(control, bound, ref entry);
            counters.ReceivedMessages++;
            counters.Received += (ulong)((bytes + entry.SegmentBytes - 1) / entry.SegmentBytes);
            counters.ReceivedBytes += (ulong)bytes;
            Count++;
        }
    }

    private static void ReadControl(ReadOnlySpan<byte> control, in SockAddr bound, ref Entry entry)
    {
        while (control.Length >= sizeof(Cmsghdr))
        {
            var header = MemoryMarshal.Read<Cmsghdr>(control);
            if (header.cmsg_len < (nuint)sizeof(Cmsghdr) || header.cmsg_len > (nuint)control.Length)
            {
                return;
            }

            var length = (int)header.cmsg_len;
            ReadMessage(header, control[sizeof(Cmsghdr)..length], bound, ref entry);
            control = control[Math.Min((length + 7) & ~7, control.Length)..];
        }
    }

    private static void ReadMessage(in Cmsghdr header, ReadOnlySpan<byte> data, in SockAddr bound, ref Entry entry)
    {
        switch (header.cmsg_level, header.cmsg_type)
        {
            case (SocketConstants.SOL_IPV6, SocketConstants.IPV6_PKTINFO) when data.Length >= sizeof(In6Pktinfo):
                var isLinkLocal = data[0] == 0xfe && (data[1] & 0xc0) == 0x80;
                entry.Local = SockAddr.Create(data[..16], bound.Port, isLinkLocal ? MemoryMarshal.Read<uint>(data[16..]) : 0);
                break;
            case (SocketConstants.SOL_IP, SocketConstants.IP_PKTINFO) when data.Length >= sizeof(InPktinfo):
                var local = SockAddr.Create(data.Slice(8, 4), bound.Port, 0);
                entry.Local = bound.IsV6 ? local.ToV6() : local;
                break;
            case (SocketConstants.SOL_IPV6, SocketConstants.IPV6_TCLASS) when data.Length >= sizeof(int):
                entry.Ecn = (byte)(MemoryMarshal.Read<int>(data) & 3);
                break;
            case (SocketConstants.SOL_IP, SocketConstants.IP_TOS) when data.Length >= 1:
                entry.Ecn = (byte)(data[0] & 3);
                break;
            case (SocketConstants.SOL_UDP, SocketConstants.UDP_GRO) when data.Length >= sizeof(int):
                var segment = MemoryMarshal.Read<int>(data);
                entry.SegmentBytes = segment > 0 && segment < entry.Bytes ? segment : entry.Bytes;
                break;
            default:
                break;
        }
    }

    private struct Entry
    {
        public SockAddr Remote;
        public SockAddr Local;
        public int Slot;
        public int Bytes;
        public int SegmentBytes;
        public byte Ecn;
    }
}
