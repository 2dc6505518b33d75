using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>libgnutls: what packet protection asks of it (gnutls/crypto.h, gnutls/gnutls.h).</summary>
internal static unsafe partial class GnuTlsAead
{
    public const int CipherAes128Gcm = 10;
    public const int CipherChaCha20Poly1305 = 23;
    public const int EncryptionLevelInitial = 0;
    public const int EncryptionLevelEarly = 1;
    public const int EncryptionLevelHandshake = 2;
    public const int EncryptionLevelApplication = 3;

    [LibraryImport(GnuTls.Library)]
    public static partial int gnutls_cipher_get(void* session);

    [LibraryImport(GnuTls.Library)]
    public static partial void gnutls_handshake_set_secret_function(void* session, nint func);

    /// <summary>Ends with a 0.</summary>
    [LibraryImport(GnuTls.Library)]
    public static partial int* gnutls_group_list();

    [LibraryImport(GnuTls.Library)]
    public static partial byte* gnutls_group_get_name(int group);

    [LibraryImport(GnuTls.Library)]
    public static partial int gnutls_aead_cipher_init(void** handle, int cipher, GnuTlsDatum* key);

    [LibraryImport(GnuTls.Library)]
    public static partial int gnutls_aead_cipher_encrypt(
        void* handle, byte* nonce, nuint nonce_len, byte* auth, nuint auth_len, nuint tag_size, byte* ptext, nuint ptext_len, byte* ctext, nuint* ctext_len);

    [LibraryImport(GnuTls.Library)]
    public static partial int gnutls_aead_cipher_decrypt(
        void* handle, byte* nonce, nuint nonce_len, byte* auth, nuint auth_len, nuint tag_size, byte* ctext, nuint ctext_len, byte* ptext, nuint* ptext_len);

    [LibraryImport(GnuTls.Library)]
    public static partial void gnutls_aead_cipher_deinit(void* handle);
}
