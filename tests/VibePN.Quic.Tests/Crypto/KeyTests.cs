using System.Security.Cryptography;
using VibePN.Quic.Crypto;
using VibePN.Quic.Native;

namespace VibePN.Quic.Tests.Crypto;

/// <summary>Single keys: known answers, .NET's AES as an independent judge, forgeries, wiping.</summary>
public sealed unsafe class KeyTests
{
    private const int Tag = PacketKey.TagBytes;

    [Fact]
    public void SelfTest_InstalledLibrary_FindsNothing() => Assert.Equal("", IpsecMbSelfTest.Run(IpsecMbTests.Installed));

    [Fact]
    public void SelfTest_WrongFunction_FailsWithReason()
    {
        // Decryption in place of encryption: runs, and gives a wrong tag.
        var good = IpsecMbTests.Installed;
        var bad = new IpsecMb(new Version(1, 3, 0), "AVX2", (nint)good.Expand, good.Decrypt, good.Decrypt, (nint)good.ExpandBlockKey, good.EncryptBlock);
        Assert.Equal("libipsec-mb 1.3.0, AVX2: wrong answer to a published test vector", IpsecMbSelfTest.Run(bad));
    }

    [Fact]
    public void Expand_Rfc9001AppendixA_KeysEqual()
    {
        var secret = Convert.FromHexString("c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
        Assert.Equal("1f369613dd76d5467730efcbe3b1a22d", Expanded(secret, KeySchedule.KeyLabel, 16));
        Assert.Equal("fa044b2f42a3fd3b46fb255c", Expanded(secret, KeySchedule.IvLabel, 12));
        Assert.Equal("9f50449e04a0e810283a1e9933adedd2", Expanded(secret, KeySchedule.HeaderLabel, 16));
        secret = Convert.FromHexString("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b");
        Assert.Equal("1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9", Expanded(secret, KeySchedule.UpdateLabel, 32));
    }

    [Fact]
    public void HeaderMask_Rfc9001AppendixA2_Equal()
    {
        var raw = Convert.FromHexString("9f50449e04a0e810283a1e9933adedd2");
        var sample = Convert.FromHexString("d1b1c98dd7689fb8ec11d242b123dc9b");
        Assert.StartsWith("437b9aec36", Convert.ToHexStringLower(Block(raw, sample)), StringComparison.Ordinal);
    }

    [Fact]
    public void HeaderKey_RandomKeys_AgreesWithDotNet()
    {
        var random = new Random(1);
        using var aes = Aes.Create();
        byte[] raw = new byte[16], block = new byte[16];
        for (var i = 0; i < 500; i++)
        {
            random.NextBytes(raw);
            random.NextBytes(block);
            aes.Key = raw;
            Assert.Equal(aes.EncryptEcb(block, PaddingMode.None), Block(raw, block));
        }
    }

    [Fact]
    public void PacketKey_RandomLengths_AgreesWithDotNetBothWays()
    {
        var random = new Random(2);
        byte[] raw = new byte[16], nonce = new byte[12];
        for (var i = 0; i < 1_500; i++)
        {
            random.NextBytes(raw);
            random.NextBytes(nonce);
            byte[] plaintext = new byte[random.Next(i < 1_000 ? 300 : 9_000)], aad = new byte[random.Next(40)];
            random.NextBytes(plaintext);
            random.NextBytes(aad);
            var expected = new byte[plaintext.Length + Tag];
            using var reference = new AesGcm(raw, Tag);
            reference.Encrypt(nonce, plaintext, expected.AsSpan(0, plaintext.Length), expected.AsSpan(plaintext.Length), aad);
            using var key = new Key(raw);
            Assert.Equal(expected, key.Seal(plaintext, nonce, aad, inPlace: i % 2 == 0));
            Assert.Equal(plaintext, key.Open(expected, nonce, aad));
        }
    }

    [Fact]
    public void Open_AnyBitChanged_RefusedAndNothingLeft()
    {
        byte[] raw = [.. Enumerable.Range(0, 16).Select(i => (byte)i)], nonce = new byte[12], aad = [0x43, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        using var key = new Key(raw);
        var plaintext = Enumerable.Repeat((byte)0xa5, 37).ToArray();
        var good = key.Seal(plaintext, nonce, aad, inPlace: false);
        for (var bit = 0; bit < (good.Length + aad.Length + nonce.Length) * 8; bit++)
        {
            byte[] sealedBytes = [.. good], additional = [.. aad], number = [.. nonce];
            var at = bit / 8;
            var target = at < good.Length ? sealedBytes : at < good.Length + aad.Length ? additional : number;
            target[at < good.Length ? at : at < good.Length + aad.Length ? at - good.Length : at - good.Length - aad.Length] ^= (byte)(1 << (bit % 8));
            Assert.Null(key.Open(sealedBytes, number, additional));
            Assert.All(key.LastOutput, b => Assert.Equal(0, b));
        }

        Assert.Null(key.Open(good[..^1], nonce, aad));
        Assert.Null(key.Open(good, nonce, aad[..^1]));
        Assert.Equal(plaintext, key.Open(good, nonce, aad));
    }

    [Fact]
    public void Callbacks_BadLengths_RefusedBeforeUse()
    {
        using var key = new Key(new byte[16]);
        ngtcp2_crypto_aead_ctx context;
        context.native_handle = key.Handle;
        var table = CallbackTable.Create(accelerated: true);
        var encrypt = (delegate* unmanaged<byte*, void*, ngtcp2_crypto_aead_ctx*, byte*, nuint, byte*, nuint, byte*, nuint, int>)table.encrypt;
        var decrypt = (delegate* unmanaged<byte*, void*, ngtcp2_crypto_aead_ctx*, byte*, nuint, byte*, nuint, byte*, nuint, int>)table.decrypt;
        var data = stackalloc byte[64];
        Assert.Equal(0, encrypt(data, null, &context, data, 10, data + 40, 12, data + 52, 4));
        Assert.Equal(0, decrypt(data, null, &context, data, 26, data + 40, 12, data + 52, 4));
        for (nuint length = 0; length < Tag; length++)
        {
            Assert.Equal(NgTcp2Error.Decrypt, decrypt(data, null, &context, data, length, data + 40, 12, data + 52, 4));
        }

        Assert.Equal(NgTcp2Error.Decrypt, decrypt(data, null, &context, data, 26, data + 40, 11, data + 52, 4));
        Assert.Equal(NgTcp2Error.Decrypt, decrypt(data, null, &context, data, 65_536, data + 40, 12, data + 52, 4));
        Assert.Equal(NgTcp2Error.Decrypt, decrypt(data, null, &context, data, nuint.MaxValue, data + 40, 12, data + 52, 4));
        Assert.Equal(NgTcp2Error.Decrypt, decrypt(data, null, &context, data, 26, data + 40, 12, data + 52, nuint.MaxValue));
        Assert.Equal(NgTcp2Error.CallbackFailure, encrypt(data, null, &context, data, 10, data + 40, 8, data + 52, 4));
        Assert.Equal(NgTcp2Error.CallbackFailure, encrypt(data, null, &context, data, nuint.MaxValue, data + 40, 12, data + 52, 4));
    }

    [Fact]
    public void Wipe_KeyInUse_NothingLeft()
    {
        using var key = new Key([.. Enumerable.Range(1, 16).Select(i => (byte)i)]);
        key.Seal(new byte[100], new byte[12], [], inPlace: false);
        Assert.True(PacketKey.Memory(key.Handle).ContainsAnyExcept((byte)0));
        Assert.True(PacketKey.Memory(key.Handle).IndexOf(Enumerable.Range(1, 16).Select(i => (byte)i).ToArray()) >= 0, "the expanded key begins with the key");
        PacketKey.Wipe(key.Handle);
        Assert.False(PacketKey.Memory(key.Handle).ContainsAnyExcept((byte)0));
    }

    private static string Expanded(byte[] secret, ReadOnlySpan<byte> label, int length)
    {
        var output = new byte[length];
        KeySchedule.Expand(secret, label, output);
        return Convert.ToHexStringLower(output);
    }

    private static byte[] Block(byte[] raw, byte[] block)
    {
        fixed (byte* key = raw, input = block)
        {
            var handle = HeaderKey.Create(IpsecMbTests.Installed, key);
            var output = new byte[16];
            fixed (byte* destination = output)
            {
                HeaderKey.Encrypt(handle, destination, input);
            }

            HeaderKey.Wipe(handle);
            Assert.False(HeaderKey.Memory(handle).ContainsAnyExcept((byte)0));
            HeaderKey.Free(handle);
            return output;
        }
    }

    private sealed class Key : IDisposable
    {
        public Key(byte[] raw)
        {
            fixed (byte* bytes = raw)
            {
                Handle = PacketKey.Create(IpsecMbTests.Installed, bytes);
            }
        }

        public nint Handle { get; }

        public byte[] LastOutput { get; private set; } = [];

        public byte[] Seal(byte[] plaintext, byte[] nonce, byte[] aad, bool inPlace)
        {
            var output = new byte[plaintext.Length + Tag];
            plaintext.CopyTo(output, 0);
            fixed (byte* destination = output, input = plaintext, number = nonce, additional = aad)
            {
                PacketKey.Seal(Handle, destination, inPlace ? destination : input, (nuint)plaintext.Length, number, additional, (nuint)aad.Length);
            }

            return output;
        }

        public byte[]? Open(byte[] ciphertext, byte[] nonce, byte[] aad)
        {
            LastOutput = new byte[ciphertext.Length - Tag];
            fixed (byte* destination = LastOutput, input = ciphertext, number = nonce, additional = aad)
            {
                return PacketKey.TryOpen(Handle, destination, input, (nuint)ciphertext.Length, number, additional, (nuint)aad.Length) ? LastOutput : null;
            }
        }

        public void Dispose()
        {
            PacketKey.Wipe(Handle);
            PacketKey.Free(Handle);
        }
    }
}
