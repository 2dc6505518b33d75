using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using Aes = System.Runtime.Intrinsics.X86.Aes;

namespace VibePN.Quic.Crypto;

/// <summary>
/// One AES-128 header protection key (RFC 9001 §5.4.3): eleven round keys in native memory, one block encrypted per packet with the
/// processor's AES instructions, which take the same time for any data. The handle is marked as <see cref="PacketKey"/>'s is.
/// Exists because the helper gives its own header keys away only together with GnuTLS packet keys.
/// </summary>
internal static unsafe class HeaderKey
{
    public const int RawBytes = 16;
    public const int SampleBytes = 16;
    public const int MaskBytes = 5;
    public const int BlockBytes = (Rounds + 1) * RawBytes;

    private const int Rounds = 10;
    private const nint Mark = 1;

    public static bool IsOwn(nint handle) => (handle & Mark) != 0;

    /// <param name="raw">16 bytes; the caller wipes them.</param>
    public static nint Create(byte* raw)
    {
        var keys = (byte*)NativeMemory.Alloc(BlockBytes);
        var key = Vector128.Load(raw);
        key.Store(keys);
        (key = Next(key, Aes.KeygenAssist(key, 0x01))).Store(keys + 16);
        (key = Next(key, Aes.KeygenAssist(key, 0x02))).Store(keys + 32);
        (key = Next(key, Aes.KeygenAssist(key, 0x04))).Store(keys + 48);
        (key = Next(key, Aes.KeygenAssist(key, 0x08))).Store(keys + 64);
        (key = Next(key, Aes.KeygenAssist(key, 0x10))).Store(keys + 80);
        (key = Next(key, Aes.KeygenAssist(key, 0x20))).Store(keys + 96);
        (key = Next(key, Aes.KeygenAssist(key, 0x40))).Store(keys + 112);
        (key = Next(key, Aes.KeygenAssist(key, 0x80))).Store(keys + 128);
        (key = Next(key, Aes.KeygenAssist(key, 0x1b))).Store(keys + 144);
        Next(key, Aes.KeygenAssist(key, 0x36)).Store(keys + 160);
        return (nint)keys | Mark;
    }

    /// <summary>Encrypts one block (16 bytes).</summary>
    public static Vector128<byte> Encrypt(nint handle, byte* block)
    {
        var keys = (byte*)(handle & ~Mark);
        var state = Vector128.Load(block) ^ Vector128.Load(keys);
        for (var round = 1; round < Rounds; round++)
        {
            state = Aes.Encrypt(state, Vector128.Load(keys + (round * RawBytes)));
        }

        return Aes.EncryptLast(state, Vector128.Load(keys + (Rounds * RawBytes)));
    }

    /// <summary>The whole block, for tests.</summary>
    public static ReadOnlySpan<byte> Memory(nint handle) => new((byte*)(handle & ~Mark), BlockBytes);

    public static void Wipe(nint handle) => CryptographicOperations.ZeroMemory(new Span<byte>((byte*)(handle & ~Mark), BlockBytes));

    /// <summary>Wipe it first.</summary>
    public static void Free(nint handle) => NativeMemory.Free((byte*)(handle & ~Mark));

    /// <summary>FIPS 197 §5.2: each word is the sum of those before it and the rotated, substituted, round-dependent last one.</summary>
    private static Vector128<byte> Next(Vector128<byte> key, Vector128<byte> assist)
    {
        var last = Sse2.Shuffle(assist.AsInt32(), 0xff).AsByte();
        key ^= Sse2.ShiftLeftLogical128BitLane(key, 4);
        key ^= Sse2.ShiftLeftLogical128BitLane(key, 8);
        return key ^ last;
    }
}
