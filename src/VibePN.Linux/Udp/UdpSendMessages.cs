using System.Runtime.CompilerServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>The native message headers of one <c>sendmmsg</c>, allocated once.</summary>
internal sealed unsafe class UdpSendMessages : IDisposable
{
    public const int Capacity = 64;

    // pktinfo (40), traffic class (24), UDP_SEGMENT (24) with their headers.
    private const int ControlBytes = 96;
    private const int NameBytes = 32;

    private readonly NativeBuffer _meta;
    private readonly Mmsghdr* _messages;
    private readonly Iovec* _vectors;
    private readonly byte* _controls;
    private readonly byte* _names;
    private readonly GsoRun[] _runs = new GsoRun[Capacity];

    public UdpSendMessages()
    {
        _meta = new NativeBuffer((nuint)(Capacity * (sizeof(Mmsghdr) + sizeof(Iovec) + ControlBytes + NameBytes)));
        _messages = (Mmsghdr*)_meta.Start;
        _vectors = (Iovec*)(_messages + Capacity);
        _controls = (byte*)(_vectors + Capacity);
        _names = _controls + (Capacity * ControlBytes);
    }

    public Mmsghdr* Messages => _messages;

    public ref readonly GsoRun Run(int message) => ref _runs[message];

    /// <summary>Makes messages of the datagrams from <see cref="UdpSendBatch.Sent"/> on.</summary>
    /// <param name="end">The index of the first that is not meant.</param>
    /// <param name="v6">The socket's family.</param>
    public int Fill(UdpSendBatch batch, int end, bool v6, bool gso)
    {
        var datagrams = batch.Datagrams[..end];
        var singleUntil = gso ? batch.SingleUntil : datagrams.Length;
        var count = 0;
        for (var first = batch.Sent; first < datagrams.Length && count < Capacity; count++)
        {
            var run = GsoPlanner.Next(datagrams, first, singleUntil);
            _runs[count] = run;
            FillOne(count, batch.Data + datagrams[first].Offset, run, batch.TargetOf(first), v6);
            first += run.Count;
        }

        return count;
    }

    public void Dispose() => _meta.Dispose();

    private void FillOne(int index, byte* data, in GsoRun run, in UdpSendBatch.Target target, bool v6)
    {
        var name = _names + (index * NameBytes);
        var remote = v6 ? target.Remote.ToV6() : target.Remote;
        remote.Bytes.CopyTo(new Span<byte>(name, NameBytes));
        _vectors[index].iov_base = data;
        _vectors[index].iov_len = (nuint)run.TotalBytes;
        var control = _controls + (index * ControlBytes);
        ref var header = ref _messages[index].msg_hdr;
        header.msg_name = name;
        header.msg_namelen = (uint)remote.Bytes.Length;
        header.msg_iov = _vectors + index;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = (nuint)FillControl(new Span<byte>(control, ControlBytes), run, target, v6 && !remote.IsMapped);
        header.msg_flags = 0;
    }

    private static int FillControl(Span<byte> control, in GsoRun run, in UdpSendBatch.Target target, bool isV6Packet)
    {
        var used = 0;
        used += FillSource(control, target.Local, isV6Packet);
        if (target.Ecn != 0)
        {
            var (level, type) = isV6Packet
                ? (SocketConstants.SOL_IPV6, SocketConstants.IPV6_TCLASS)
                : (SocketConstants.SOL_IP, SocketConstants.IP_TOS);
            used += Append(control[used..], level, type, (int)target.Ecn);
        }

        if (run.Count > 1)
        {
            used += Append(control[used..], SocketConstants.SOL_UDP, SocketConstants.UDP_SEGMENT, (ushort)run.SegmentBytes);
        }

        return used;
    }

    /// <summary>The source address, when it is given and of the packet's family.</summary>
    private static int FillSource(Span<byte> control, in SockAddr local, bool isV6Packet)
    {
        var address = local.IsMapped ? local.AddressBytes[12..] : local.AddressBytes;
        if (address.IsEmpty || address.IndexOfAnyExcept((byte)0) < 0 || address.Length != (isV6Packet ? 16 : 4))
        {
            return 0;
        }

        if (isV6Packet)
        {
            In6Pktinfo info = default;
            address.CopyTo(new Span<byte>(info.ipi6_addr, 16));
            info.ipi6_ifindex = local.ScopeId;
            return Append(control, SocketConstants.SOL_IPV6, SocketConstants.IPV6_PKTINFO, info);
        }

        var info4 = new InPktinfo { ipi_spec_dst = Unsafe.ReadUnaligned<uint>(in address[0]) };
        return Append(control, SocketConstants.SOL_IP, SocketConstants.IP_PKTINFO, info4);
    }

    private static int Append<T>(Span<byte> control, int level, int type, T value)
        where T : unmanaged
    {
        var length = sizeof(Cmsghdr) + sizeof(T);
        var header = new Cmsghdr { cmsg_len = (nuint)length, cmsg_level = level, cmsg_type = type };
        Unsafe.WriteUnaligned(ref control[0], header);
        Unsafe.WriteUnaligned(ref control[sizeof(Cmsghdr)], value);
        return (length + 7) & ~7;
    }
}
