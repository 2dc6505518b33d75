using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VibePN.Quic.Native;

namespace VibePN.Quic.Crypto;

/// <summary>
/// ngtcp2's and GnuTLS's crypto callbacks where libipsec-mb is in use. Keys that are not ours (Initial, Handshake, Retry, ChaCha20)
/// go on to the helper. Those called per packet allocate nothing, cannot throw and touch no managed object.
/// </summary>
internal static unsafe class CryptoThunks
{
    [UnmanagedCallersOnly]
    public static int Encrypt(
        byte* dest, void* aead, ngtcp2_crypto_aead_ctx* key, byte* plaintext, nuint length, byte* nonce, nuint nonceLength, byte* aad, nuint aadLength)
    {
        var handle = key->native_handle;
        if (!PacketKey.IsOwn(handle))
        {
            return NgTcp2Keys.ngtcp2_crypto_encrypt_cb(dest, aead, key, plaintext, length, nonce, nonceLength, aad, aadLength);
        }

        if (nonceLength != PacketKey.NonceBytes || length > PacketKey.MaxBytes || aadLength > PacketKey.MaxBytes)
        {
            return NgTcp2Error.CallbackFailure;
        }

        PacketKey.Seal(handle, dest, plaintext, length, nonce, aad, aadLength);
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int Decrypt(
        byte* dest, void* aead, ngtcp2_crypto_aead_ctx* key, byte* ciphertext, nuint length, byte* nonce, nuint nonceLength, byte* aad, nuint aadLength)
    {
        var handle = key->native_handle;
        if (!PacketKey.IsOwn(handle))
        {
            return NgTcp2Keys.ngtcp2_crypto_decrypt_cb(dest, aead, key, ciphertext, length, nonce, nonceLength, aad, aadLength);
        }

        if (nonceLength != PacketKey.NonceBytes || length < PacketKey.TagBytes || length > PacketKey.MaxBytes || aadLength > PacketKey.MaxBytes)
        {
            return NgTcp2Error.Decrypt;
        }

        return PacketKey.TryOpen(handle, dest, ciphertext, length, nonce, aad, aadLength) ? 0 : NgTcp2Error.Decrypt;
    }

    [UnmanagedCallersOnly]
    [SkipLocalsInit]
    public static int HeaderMask(byte* dest, void* cipher, ngtcp2_crypto_cipher_ctx* key, byte* sample)
    {
        var handle = key->native_handle;
        if (!HeaderKey.IsOwn(handle))
        {
            return NgTcp2Keys.ngtcp2_crypto_hp_mask_cb(dest, cipher, key, sample);
        }

        var block = stackalloc byte[HeaderKey.SampleBytes];
        HeaderKey.Encrypt(handle, block, sample);
        Unsafe.CopyBlockUnaligned(dest, block, HeaderKey.MaskBytes);
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int UpdateKey(
        void* conn, byte* rxSecret, byte* txSecret, ngtcp2_crypto_aead_ctx* rxKey, byte* rxIv, ngtcp2_crypto_aead_ctx* txKey, byte* txIv,
        byte* currentRxSecret, byte* currentTxSecret, nuint secretLength, void* userData)
    {
        var owner = Thunks.Owner(userData);
        if (!owner.HasOwnKeys)
        {
            return NgTcp2Keys.ngtcp2_crypto_update_key_cb(
                conn, rxSecret, txSecret, rxKey, rxIv, txKey, txIv, currentRxSecret, currentTxSecret, secretLength, userData);
        }

        try
        {
            return owner.OnUpdateKey(rxSecret, txSecret, rxKey, rxIv, txKey, txIv, currentRxSecret, currentTxSecret, secretLength);
        }
        catch (Exception e)
        {
            return owner.Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static void DeletePacketKey(void* conn, ngtcp2_crypto_aead_ctx* key, void* userData)
    {
        if (PacketKey.IsOwn(key->native_handle))
        {
            Thunks.Owner(userData).FreePacketKey(key);
        }
        else
        {
            NgTcp2Keys.ngtcp2_crypto_delete_crypto_aead_ctx_cb(conn, key, userData);
        }
    }

    [UnmanagedCallersOnly]
    public static void DeleteHeaderKey(void* conn, ngtcp2_crypto_cipher_ctx* key, void* userData)
    {
        if (HeaderKey.IsOwn(key->native_handle))
        {
            Thunks.Owner(userData).FreeHeaderKey(key);
        }
        else
        {
            NgTcp2Keys.ngtcp2_crypto_delete_crypto_cipher_ctx_cb(conn, key, userData);
        }
    }

    /// <summary><c>gnutls_handshake_secret_func</c>: 0 goes on, else the handshake fails.</summary>
    [UnmanagedCallersOnly]
    public static int Secrets(void* session, int level, byte* rxSecret, byte* txSecret, nuint length)
    {
        var owner = ConnectionBlock.Owner((ConnectionBlock*)GnuTls.gnutls_session_get_ptr(session));
        try
        {
            return owner.OnSecrets(session, level, rxSecret, txSecret, length);
        }
        catch (Exception e)
        {
            owner.Fail(e);
            return -1;
        }
    }
}
