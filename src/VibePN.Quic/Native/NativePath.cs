using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace VibePN.Quic.Native;

/// <summary>Paths between <see cref="QuicPath"/> and <c>ngtcp2_path_storage</c>.</summary>
internal static unsafe class NativePath
{
    private const ushort InetFamily = 2;
    private const int InetBytes = 16;
    private const ushort Inet6Family = 10;
    private const int Inet6Bytes = 28;

    /// <summary>
    /// ngtcp2 looks at the address family and runs into undefined behaviour for any but these two; so nothing else may get there.
    /// </summary>
    public static bool IsUsable(in QuicPath path) => IsUsable(path.Local) && IsUsable(path.Remote);

    /// <summary>Both addresses copied in; the storage must not move while the path is in use.</summary>
    public static void Fill(ngtcp2_path_storage* storage, in QuicPath path)
    {
        var local = path.Local;
        var remote = path.Remote;
        Prepare(storage);
        local.Bytes.CopyTo(new Span<byte>(storage->local_addrbuf.bytes, QuicAddress.MaxBytes));
        remote.Bytes.CopyTo(new Span<byte>(storage->remote_addrbuf.bytes, QuicAddress.MaxBytes));
        storage->path.local.addrlen = (uint)local.Length;
        storage->path.remote.addrlen = (uint)remote.Length;
    }

    /// <summary>Empty, for ngtcp2 to fill in (<c>ngtcp2_path_storage_zero</c>).</summary>
    public static void Prepare(ngtcp2_path_storage* storage)
    {
        storage->path.local.addr = storage->local_addrbuf.bytes;
        storage->path.local.addrlen = 0;
        storage->path.remote.addr = storage->remote_addrbuf.bytes;
        storage->path.remote.addrlen = 0;
        storage->path.user_data = null;
    }

    /// <summary>Whether two storages, which point to their own buffers, hold the same path.</summary>
    public static bool AreEqual(ngtcp2_path_storage* left, ngtcp2_path_storage* right) =>
        left->path.local.addrlen == right->path.local.addrlen && left->path.remote.addrlen == right->path.remote.addrlen
        && AreEqual(left->remote_addrbuf.bytes, right->remote_addrbuf.bytes, (int)left->path.remote.addrlen)
        && AreEqual(left->local_addrbuf.bytes, right->local_addrbuf.bytes, (int)left->path.local.addrlen);

    public static QuicPath Read(ngtcp2_path* path) => new(Read(path->local), Read(path->remote));

    /// <summary>Two overlapping loads span the 28 bytes of an IPv6 address, one the 16 of IPv4; the others (none) are as long as nothing.</summary>
    private static bool AreEqual(byte* left, byte* right, int length) => length switch
    {
        Inet6Bytes => ((Vector128.Load(left) ^ Vector128.Load(right))
            | (Vector128.Load(left + Inet6Bytes - 16) ^ Vector128.Load(right + Inet6Bytes - 16))) == Vector128<byte>.Zero,
        InetBytes => Vector128.Load(left) == Vector128.Load(right),
        _ => new ReadOnlySpan<byte>(left, length).SequenceEqual(new ReadOnlySpan<byte>(right, length)),
    };

    private static QuicAddress Read(ngtcp2_addr address) => new(new ReadOnlySpan<byte>(address.addr, checked((int)address.addrlen)));

    private static bool IsUsable(QuicAddress address)
    {
        if (address.Length < InetBytes)
        {
            return false;
        }

        var family = Unsafe.ReadUnaligned<ushort>(in address.Bytes[0]);
        return (family == InetFamily && address.Length == InetBytes) || (family == Inet6Family && address.Length == Inet6Bytes);
    }
}
