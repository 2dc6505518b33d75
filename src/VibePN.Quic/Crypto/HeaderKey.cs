using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace VibePN.Quic.Crypto;

/// <summary>
/// One AES-128 header protection key (RFC 9001 §5.4.3) of libipsec-mb: the function and the expanded key in one native block. The mask is
/// the sample, encrypted as one block: what AES-CFB (NIST SP 800-38A §6.3) makes of zeros with the sample as initialization vector. The
/// handle is marked as <see cref="PacketKey"/>'s is. Exists because the helper gives its own header keys away only together with GnuTLS
/// packet keys.
/// </summary>
internal static unsafe class HeaderKey
{
    public const int RawBytes = 16;
    public const int SampleBytes = 16;
    public const int MaskBytes = 5;

    private const int ExpandedBytes = 11 * RawBytes;
    private const int KeyOffset = 64;
    private const int ZerosOffset = 16;
    private const int BlockBytes = KeyOffset + ExpandedBytes;
    private const nint Mark = 1;

    public static bool IsOwn(nint handle) => (handle & Mark) != 0;

    /// <param name="raw">16 bytes; the caller wipes them.</param>
    public static nint Create(IpsecMb library, byte* raw)
    {
        var block = (byte*)NativeMemory.AlignedAlloc(BlockBytes, PacketKey.Alignment);
        new Span<byte>(block, BlockBytes).Clear();
        *(nint*)block = library.EncryptBlock;
        var forDecryption = stackalloc byte[ExpandedBytes + RawBytes];
        library.ExpandBlockKey(raw, block + KeyOffset, (byte*)(((nint)forDecryption + RawBytes - 1) & ~(nint)(RawBytes - 1)));
        CryptographicOperations.ZeroMemory(new Span<byte>(forDecryption, ExpandedBytes + RawBytes));
        return (nint)block | Mark;
    }

    /// <summary>Encrypts one block of 16 bytes.</summary>
    public static void Encrypt(nint handle, byte* destination, byte* sample)
    {
        var block = (byte*)(handle & ~Mark);
        (*(delegate* unmanaged[SuppressGCTransition]<byte*, byte*, byte*, byte*, ulong, void>*)block)(
            destination, block + ZerosOffset, sample, block + KeyOffset, SampleBytes);
    }

    /// <summary>All that is secret, for tests.</summary>
    public static ReadOnlySpan<byte> Memory(nint handle) => Secret(handle);

    public static void Wipe(nint handle) => CryptographicOperations.ZeroMemory(Secret(handle));

    /// <summary>Wipe it first.</summary>
    public static void Free(nint handle) => NativeMemory.AlignedFree((byte*)(handle & ~Mark));

    private static Span<byte> Secret(nint handle) => new((byte*)(handle & ~Mark) + KeyOffset, ExpandedBytes);
}
