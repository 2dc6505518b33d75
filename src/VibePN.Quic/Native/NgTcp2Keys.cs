using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>libngtcp2 and its TLS helper: keys (ngtcp2/ngtcp2.h, ngtcp2/ngtcp2_crypto.h).</summary>
internal static unsafe partial class NgTcp2Keys
{
    public const int LevelInitial = 0;
    public const int LevelHandshake = 1;
    public const int LevelOneRtt = 2;
    public const int LevelZeroRtt = 3;

    [LibraryImport(NgTcp2.Library)]
    public static partial uint ngtcp2_conn_get_negotiated_version(void* conn);

    [LibraryImport(NgTcp2.Library)]
    public static partial int ngtcp2_conn_install_rx_key(
        void* conn, byte* secret, nuint secretlen, ngtcp2_crypto_aead_ctx* aead_ctx, byte* iv, nuint ivlen, ngtcp2_crypto_cipher_ctx* hp_ctx);

    [LibraryImport(NgTcp2.Library)]
    public static partial int ngtcp2_conn_install_tx_key(
        void* conn, byte* secret, nuint secretlen, ngtcp2_crypto_aead_ctx* aead_ctx, byte* iv, nuint ivlen, ngtcp2_crypto_cipher_ctx* hp_ctx);

    [LibraryImport(NgTcp2Crypto.Library)]
    public static partial int ngtcp2_crypto_derive_and_install_rx_key(
        void* conn, byte* key, byte* iv, byte* hp_key, int level, byte* secret, nuint secretlen);

    [LibraryImport(NgTcp2Crypto.Library)]
    public static partial int ngtcp2_crypto_derive_and_install_tx_key(
        void* conn, byte* key, byte* iv, byte* hp_key, int level, byte* secret, nuint secretlen);

    [LibraryImport(NgTcp2Crypto.Library)]
    public static partial int ngtcp2_crypto_encrypt_cb(
        byte* dest, void* aead, ngtcp2_crypto_aead_ctx* aead_ctx, byte* plaintext, nuint plaintextlen,
        byte* nonce, nuint noncelen, byte* aad, nuint aadlen);

    [LibraryImport(NgTcp2Crypto.Library)]
    public static partial int ngtcp2_crypto_decrypt_cb(
        byte* dest, void* aead, ngtcp2_crypto_aead_ctx* aead_ctx, byte* ciphertext, nuint ciphertextlen,
        byte* nonce, nuint noncelen, byte* aad, nuint aadlen);

    [LibraryImport(NgTcp2Crypto.Library)]
    public static partial int ngtcp2_crypto_hp_mask_cb(byte* dest, void* hp, ngtcp2_crypto_cipher_ctx* hp_ctx, byte* sample);

    [LibraryImport(NgTcp2Crypto.Library)]
    public static partial int ngtcp2_crypto_update_key_cb(
        void* conn, byte* rx_secret, byte* tx_secret, ngtcp2_crypto_aead_ctx* rx_aead_ctx, byte* rx_iv,
        ngtcp2_crypto_aead_ctx* tx_aead_ctx, byte* tx_iv, byte* current_rx_secret, byte* current_tx_secret, nuint secretlen, void* user_data);

    [LibraryImport(NgTcp2Crypto.Library)]
    public static partial void ngtcp2_crypto_delete_crypto_aead_ctx_cb(void* conn, ngtcp2_crypto_aead_ctx* aead_ctx, void* user_data);

    [LibraryImport(NgTcp2Crypto.Library)]
    public static partial void ngtcp2_crypto_delete_crypto_cipher_ctx_cb(void* conn, ngtcp2_crypto_cipher_ctx* cipher_ctx, void* user_data);
}
