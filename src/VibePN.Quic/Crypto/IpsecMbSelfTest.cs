using System.Security.Cryptography;
using VibePN.Quic.Native;

namespace VibePN.Quic.Crypto;

/// <summary>What libipsec-mb must get right before it protects a packet: a published answer, agreement with GnuTLS, refusal of forgeries.</summary>
internal static unsafe class IpsecMbSelfTest
{
    private static readonly int[] _lengths = [0, 1, 15, 16, 17, 31, 48, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 768, 1_023, 1_200, 1_350, 1_452, 4_000, 8_952];
    private static readonly int[] _aadLengths = [0, 1, 9, 11, 13, 16, 20, 33, 64];

    /// <summary>Test case 4 of the GCM specification (McGrew, Viega: AES-128, 60 bytes, 20 bytes of additional data).</summary>
    private static ReadOnlySpan<byte> Key =>
        [0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08];

    private static ReadOnlySpan<byte> Nonce => [0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88];

    private static ReadOnlySpan<byte> Plaintext =>
    [
        0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a,
        0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72,
        0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25,
        0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39,
    ];

    private static ReadOnlySpan<byte> Aad =>
        [0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2];

    private static ReadOnlySpan<byte> Sealed =>
    [
        0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24, 0x4b, 0x72, 0x21, 0xb7, 0x84, 0xd0, 0xd4, 0x9c,
        0xe3, 0xaa, 0x21, 0x2f, 0x2c, 0x02, 0xa4, 0xe0, 0x35, 0xc1, 0x7e, 0x23, 0x29, 0xac, 0xa1, 0x2e,
        0x21, 0xd5, 0x14, 0xb2, 0x54, 0x66, 0x93, 0x1c, 0x7d, 0x8f, 0x6a, 0x5a, 0xac, 0x84, 0xaa, 0x05,
        0x1b, 0xa3, 0x0b, 0x39, 0x6a, 0x0a, 0xac, 0x97, 0x3d, 0x58, 0xe0, 0x91,
        0x5b, 0xc9, 0x4f, 0xbc, 0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a, 0x47,
    ];

    /// <summary>FIPS 197 appendix C.1.</summary>
    private static ReadOnlySpan<byte> BlockPlaintext =>
        [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];

    private static ReadOnlySpan<byte> BlockCiphertext =>
        [0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a];

    /// <returns>What failed; empty: nothing.</returns>
    public static string Run(IpsecMb library)
    {
        fixed (byte* key = Key)
        {
            var handle = PacketKey.Create(library, key);
            try
            {
                if (!IsKnownAnswer(handle))
                {
                    return $"{library.Name}: wrong answer to a published test vector";
                }

                if (!IsBlockCipherRight(library))
                {
                    return $"{library.Name}: wrong answer to a published test vector of a single block";
                }

                return AgreesWithGnuTls(handle, key) ? "" : $"{library.Name}: encrypts differently from GnuTLS, or accepts a forgery";
            }
            finally
            {
                PacketKey.Wipe(handle);
                PacketKey.Free(handle);
            }
        }
    }

    private static bool IsKnownAnswer(nint handle)
    {
        var output = stackalloc byte[Sealed.Length];
        fixed (byte* plaintext = Plaintext, nonce = Nonce, aad = Aad)
        {
            PacketKey.Seal(handle, output, plaintext, (nuint)Plaintext.Length, nonce, aad, (nuint)Aad.Length);
        }

        return new ReadOnlySpan<byte>(output, Sealed.Length).SequenceEqual(Sealed);
    }

    private static bool IsBlockCipherRight(IpsecMb library)
    {
        var raw = stackalloc byte[HeaderKey.RawBytes];
        for (var i = 0; i < HeaderKey.RawBytes; i++)
        {
            raw[i] = (byte)i;
        }

        var handle = HeaderKey.Create(library, raw);
        fixed (byte* block = BlockPlaintext)
        {
            var output = stackalloc byte[HeaderKey.SampleBytes];
            HeaderKey.Encrypt(handle, output, block);
            HeaderKey.Wipe(handle);
            HeaderKey.Free(handle);
            return new ReadOnlySpan<byte>(output, HeaderKey.SampleBytes).SequenceEqual(BlockCiphertext);
        }
    }

    private static bool AgreesWithGnuTls(nint handle, byte* key)
    {
        var datum = new GnuTlsDatum { data = key, size = PacketKey.RawBytes };
        void* reference;
        if (GnuTlsAead.gnutls_aead_cipher_init(&reference, GnuTlsAead.CipherAes128Gcm, &datum) != 0)
        {
            return false;
        }

        try
        {
            for (var i = 0; i < _lengths.Length; i++)
            {
                if (!AgreesAt(handle, reference, _lengths[i], _aadLengths[i % _aadLengths.Length]))
                {
                    return false;
                }
            }

            return true;
        }
        finally
        {
            GnuTlsAead.gnutls_aead_cipher_deinit(reference);
        }
    }

    private static bool AgreesAt(nint handle, void* reference, int length, int aadLength)
    {
        var all = length + PacketKey.TagBytes;
        byte[] plaintext = new byte[length + 1], aad = new byte[aadLength + 1], own = new byte[all], other = new byte[all], opened = new byte[length + 1];
        for (var i = 0; i < length; i++)
        {
            plaintext[i] = (byte)((i * 7) + length);
        }

        aad.AsSpan().Fill((byte)length);
        fixed (byte* input = plaintext, ad = aad, ours = own, theirs = other, back = opened, nonce = Nonce)
        {
            var written = (nuint)all;
            PacketKey.Seal(handle, ours, input, (nuint)length, nonce, ad, (nuint)aadLength);
            if (GnuTlsAead.gnutls_aead_cipher_encrypt(
                    reference, nonce, PacketKey.NonceBytes, ad, (nuint)aadLength, PacketKey.TagBytes, input, (nuint)length, theirs, &written) != 0
                || !CryptographicOperations.FixedTimeEquals(own, other)
                || !PacketKey.TryOpen(handle, back, theirs, (nuint)all, nonce, ad, (nuint)aadLength)
                || !opened.AsSpan(0, length).SequenceEqual(plaintext.AsSpan(0, length)))
            {
                return false;
            }

            theirs[length / 2] ^= 0x10;
            return !PacketKey.TryOpen(handle, back, theirs, (nuint)all, nonce, ad, (nuint)aadLength);
        }
    }
}
