using System.Net;
using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>Builds one netlink request: header, family header, attributes.</summary>
internal sealed unsafe class NetlinkRequest
{
    private const int MaxBytes = 512;

    private readonly byte[] _bytes = new byte[MaxBytes];
    private int _used = sizeof(Nlmsghdr);

    private NetlinkRequest(ushort type, ushort flags)
    {
        Type = type;
        Flags = flags;
    }

    public ushort Type { get; }

    public ushort Flags { get; }

    public static NetlinkRequest Create<T>(ushort type, ushort flags, T familyHeader)
        where T : unmanaged
    {
        var request = new NetlinkRequest(type, flags);
        MemoryMarshal.Write(request.Grow(sizeof(T)), familyHeader);
        return request;
    }

    public NetlinkRequest Add(ushort attribute, ReadOnlySpan<byte> value)
    {
        var header = new Rtattr { rta_len = (ushort)(sizeof(Rtattr) + value.Length), rta_type = attribute };
        var room = Grow(sizeof(Rtattr) + value.Length);
        MemoryMarshal.Write(room, header);
        value.CopyTo(room[sizeof(Rtattr)..]);
        return this;
    }

    public NetlinkRequest Add(ushort attribute, uint value) => Add(attribute, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)));

    public NetlinkRequest Add(ushort attribute, byte value) => Add(attribute, new ReadOnlySpan<byte>(in value));

    public NetlinkRequest Add(ushort attribute, IPAddress address) => Add(attribute, address.GetAddressBytes());

    public NetlinkRequest Nest(ushort attribute, Action<NetlinkRequest> fill)
    {
        var start = _used;
        Add((ushort)(attribute | NetlinkConstants.NLA_F_NESTED), default(ReadOnlySpan<byte>));
        fill(this);
        MemoryMarshal.Write(_bytes.AsSpan(start), (ushort)(_used - start));
        return this;
    }

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Finish(uint sequence)
    {
        var header = new Nlmsghdr
        {
            nlmsg_len = (uint)_used,
            nlmsg_type = Type,
            nlmsg_flags = (ushort)(Flags | NetlinkConstants.NLM_F_REQUEST),
            nlmsg_seq = sequence,
        };
        MemoryMarshal.Write(_bytes.AsSpan(), header);
        return _bytes.AsSpan(0, _used);
    }

    private Span<byte> Grow(int bytes)
    {
        var padded = (bytes + 3) & ~3;
        var room = _bytes.AsSpan(_used, padded);
        _used += padded;
        return room;
    }
}
