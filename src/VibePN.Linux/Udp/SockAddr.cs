using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace VibePN.Linux;

/// <summary>
/// A UDP address as the kernel writes it: the bytes of a <c>sockaddr_in</c> (16) or <c>sockaddr_in6</c> (28); default: none (0 bytes).
/// IPv4 peers of a dual-stack socket stay <c>sockaddr_in6</c> with a mapped address.
/// </summary>
public readonly struct SockAddr : IEquatable<SockAddr>
{
    public const int MaxBytes = 28;
    internal const int V4Bytes = 16;
    internal const int V6Bytes = 28;
    internal const ushort FamilyV4 = 2;
    internal const ushort FamilyV6 = 10;

    private readonly Storage _bytes;
    private readonly byte _length;

    private SockAddr(ReadOnlySpan<byte> sockaddr)
    {
        _length = (byte)sockaddr.Length;
        sockaddr.CopyTo(_bytes);
    }

    /// <summary>The bytes, borrowed from this value: valid as long as the variable that holds it.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => ((ReadOnlySpan<byte>)_bytes)[.._length];

    public bool IsNone => _length == 0;

    /// <summary>Host byte order; 0 for <see cref="IsNone"/>.</summary>
    public int Port => _length == 0 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(Bytes[2..]);

    internal bool IsV6 => _length == V6Bytes;

    /// <summary>The 4 or 16 address bytes, borrowed like <see cref="Bytes"/>.</summary>
    [UnscopedRef]
    internal ReadOnlySpan<byte> AddressBytes => _length switch
    {
        V4Bytes => Bytes.Slice(4, 4),
        V6Bytes => Bytes.Slice(8, 16),
        _ => default,
    };

    internal bool IsMapped => IsV6 && AddressBytes[..12].SequenceEqual(MappedPrefix);

    internal static ReadOnlySpan<byte> MappedPrefix => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

    /// <exception cref="ArgumentException">Neither a <c>sockaddr_in</c> nor a <c>sockaddr_in6</c>.</exception>
    public static SockAddr FromBytes(ReadOnlySpan<byte> sockaddr)
    {
        if (!TryFromBytes(sockaddr, out var address))
        {
            throw new ArgumentException("not the bytes of a sockaddr_in or sockaddr_in6", nameof(sockaddr));
        }

        return address;
    }

    public static bool TryFromBytes(ReadOnlySpan<byte> sockaddr, out SockAddr address)
    {
        address = default;
        if (sockaddr.Length < 2)
        {
            return false;
        }

        var family = MemoryMarshalRead(sockaddr);
        if (!(family == FamilyV4 && sockaddr.Length == V4Bytes) && !(family == FamilyV6 && sockaddr.Length == V6Bytes))
        {
            return false;
        }

        address = new SockAddr(sockaddr);
        return true;
    }

    public static SockAddr FromIPEndPoint(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        Span<byte> address = stackalloc byte[16];
        if (!endPoint.Address.TryWriteBytes(address, out var written))
        {
            throw new ArgumentException("unknown address family", nameof(endPoint));
        }

        var scope = endPoint.AddressFamily == AddressFamily.InterNetworkV6 ? (uint)endPoint.Address.ScopeId : 0;
        return Create(address[..written], endPoint.Port, scope);
    }

    /// <summary>A mapped address is shown as IPv4.</summary>
    /// <exception cref="InvalidOperationException"><see cref="IsNone"/>.</exception>
    public IPEndPoint ToIPEndPoint()
    {
        if (IsNone)
        {
            throw new InvalidOperationException("no address");
        }

        if (IsMapped)
        {
            return new IPEndPoint(new IPAddress(AddressBytes[12..]), Port);
        }

        return new IPEndPoint(IsV6 ? new IPAddress(AddressBytes, ScopeId) : new IPAddress(AddressBytes), Port);
    }

    /// <summary>The interface of a link-local address, else 0.</summary>
    internal uint ScopeId => IsV6 ? MemoryMarshalReadUInt32(Bytes[24..]) : 0;

    /// <param name="address">4 or 16 bytes.</param>
    internal static SockAddr Create(ReadOnlySpan<byte> address, int port, uint scopeId)
    {
        Span<byte> bytes = stackalloc byte[V6Bytes];
        bytes.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)port);
        if (address.Length == 4)
        {
            Unsafe.WriteUnaligned(ref bytes[0], FamilyV4);
            address.CopyTo(bytes[4..]);
            return new SockAddr(bytes[..V4Bytes]);
        }

        Unsafe.WriteUnaligned(ref bytes[0], FamilyV6);
        address.CopyTo(bytes[8..]);
        Unsafe.WriteUnaligned(ref bytes[24], scopeId);
        return new SockAddr(bytes);
    }

    /// <summary>The address as a dual-stack socket needs it: IPv4 becomes a mapped address.</summary>
    internal SockAddr ToV6()
    {
        if (_length != V4Bytes)
        {
            return this;
        }

        Span<byte> mapped = stackalloc byte[16];
        MappedPrefix.CopyTo(mapped);
        AddressBytes.CopyTo(mapped[12..]);
        return Create(mapped, Port, 0);
    }

    public bool Equals(SockAddr other) => AreEqual(this, other);

    /// <summary>Without copies: asked for every packet. Two overlapping loads span the 28 bytes; those behind the length are 0.</summary>
    internal static bool AreEqual(in SockAddr left, in SockAddr right)
    {
        ref var a = ref Unsafe.As<Storage, byte>(ref Unsafe.AsRef(in left._bytes));
        ref var b = ref Unsafe.As<Storage, byte>(ref Unsafe.AsRef(in right._bytes));
        var difference = (Vector128.LoadUnsafe(ref a) ^ Vector128.LoadUnsafe(ref b))
            | (Vector128.LoadUnsafe(ref a, MaxBytes - 16) ^ Vector128.LoadUnsafe(ref b, MaxBytes - 16));
        return left._length == right._length && difference == Vector128<byte>.Zero;
    }

    public override bool Equals(object? obj) => obj is SockAddr other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public override string ToString() => IsNone ? "none" : ToIPEndPoint().ToString();

    public static bool operator ==(SockAddr left, SockAddr right) => left.Equals(right);

    public static bool operator !=(SockAddr left, SockAddr right) => !left.Equals(right);

    private static ushort MemoryMarshalRead(ReadOnlySpan<byte> bytes) => System.Runtime.InteropServices.MemoryMarshal.Read<ushort>(bytes);

    private static uint MemoryMarshalReadUInt32(ReadOnlySpan<byte> bytes) => System.Runtime.InteropServices.MemoryMarshal.Read<uint>(bytes);

    [InlineArray(MaxBytes)]
    private struct Storage
    {
        private byte _first;
    }
}
