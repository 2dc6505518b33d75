using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace VibePN.Quic.Crypto;

/// <summary>
/// One AES-128-GCM packet key (RFC 9001 §5.3) of libipsec-mb, in one native block: the two functions, scratch space, the expanded key.
/// ngtcp2 carries it as an AEAD handle; GnuTLS's handles come from malloc, so their lowest bit is 0, and ours is marked by a 1 there.
/// Used by the connection's thread only (the scratch space is shared).
/// </summary>
internal static unsafe class PacketKey
{
    public const int RawBytes = 16;
    public const int NonceBytes = 12;
    public const int TagBytes = 16;

    /// <summary>Room for <c>gcm_context_data</c> (88 bytes in 1.x and 2.x) and <c>gcm_key_data</c> (1,008 and 1,264), aligned to 64.</summary>
    public const int ContextBytes = 256;
    public const int ExpandedBytes = 2048;
    public const int Alignment = 64;
    public const int BlockBytes = KeyOffset + ExpandedBytes;

    /// <summary>No UDP payload is longer.</summary>
    public const int MaxBytes = 65_535;

    private const int DecryptOffset = 8;
    private const int AllocationOffset = 16;
    private const int ContextOffset = 64;
    private const int KeyOffset = ContextOffset + ContextBytes;
    private const nint Mark = 1;

    /// <summary>Whether an AEAD handle is one of these; any other is GnuTLS's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOwn(nint handle) => (handle & Mark) != 0;

    /// <param name="raw">16 bytes; the caller wipes them.</param>
    /// <returns>The handle, for <see cref="Free"/>.</returns>
    public static nint Create(IpsecMb library, byte* raw)
    {
        // Not aligned_alloc: with glibc before 2.38 the heap grows under it where connections come and go.
        var allocated = (byte*)NativeMemory.AllocZeroed(BlockBytes + Alignment);
        var block = (byte*)(((nint)allocated + Alignment - 1) & ~(nint)(Alignment - 1));
        *(byte**)(block + AllocationOffset) = allocated;
        *(nint*)block = library.Encrypt;
        *(nint*)(block + DecryptOffset) = library.Decrypt;
        library.Expand(raw, block + KeyOffset);
        return (nint)block | Mark;
    }

    /// <summary>All that is secret, for tests.</summary>
    public static ReadOnlySpan<byte> Memory(nint handle) => Secret(handle);

    /// <summary>Wipes; the memory is still there for <see cref="Free"/>.</summary>
    public static void Wipe(nint handle) => CryptographicOperations.ZeroMemory(Secret(handle));

    /// <summary>Wipe it first.</summary>
    public static void Free(nint handle) => NativeMemory.Free(*(byte**)((byte*)(handle & ~Mark) + AllocationOffset));

    /// <summary>Encrypts; the tag goes behind the ciphertext. In place is allowed.</summary>
    /// <param name="destination">Room for <paramref name="length"/> + 16 bytes.</param>
    /// <param name="nonce">12 bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Seal(nint handle, byte* destination, byte* plaintext, nuint length, byte* nonce, byte* aad, nuint aadLength)
    {
        var block = (byte*)(handle & ~Mark);
        (*(delegate* unmanaged[SuppressGCTransition]<byte*, byte*, byte*, byte*, ulong, byte*, byte*, ulong, byte*, ulong, void>*)block)(
            block + KeyOffset, block + ContextOffset, destination, plaintext, length, nonce, aad, aadLength, destination + length, TagBytes);
    }

    /// <summary>Decrypts what ends with a tag; without a match nothing of the plaintext stays.</summary>
    /// <param name="destination">Room for <paramref name="length"/> − 16 bytes.</param>
    /// <param name="length">At least 16: with the tag.</param>
    /// <returns>Whether the tag fits. Time does not depend on where they differ.</returns>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryOpen(nint handle, byte* destination, byte* ciphertext, nuint length, byte* nonce, byte* aad, nuint aadLength)
    {
        var block = (byte*)(handle & ~Mark);
        var tag = stackalloc ulong[2];
        var plainLength = length - TagBytes;
        (*(delegate* unmanaged[SuppressGCTransition]<byte*, byte*, byte*, byte*, ulong, byte*, byte*, ulong, byte*, ulong, void>*)(block + DecryptOffset))(
            block + KeyOffset, block + ContextOffset, destination, ciphertext, plainLength, nonce, aad, aadLength, (byte*)tag, TagBytes);
        var given = ciphertext + plainLength;
        var difference = (tag[0] ^ Unsafe.ReadUnaligned<ulong>(given)) | (tag[1] ^ Unsafe.ReadUnaligned<ulong>(given + 8));
        if (difference == 0)
        {
            return true;
        }

        NativeMemory.Clear(destination, plainLength);
        return false;
    }

    private static Span<byte> Secret(nint handle) => new((byte*)(handle & ~Mark) + ContextOffset, BlockBytes - ContextOffset);
}
