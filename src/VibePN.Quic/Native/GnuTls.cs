using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>libgnutls (gnutls/gnutls.h, abstract.h, x509.h, crypto.h).</summary>
internal static unsafe partial class GnuTls
{
    public const string Library = "libgnutls.so.30";

    public const uint Server = 1;
    public const uint Client = 1 << 1;
    public const uint NoTickets = 1 << 10;
    public const uint NoAutoSendTicket = 1 << 21;
    public const uint NoEndOfEarlyData = 1 << 22;
    public const uint AlpnMandatory = 1;
    public const uint AlpnServerPrecedence = 1 << 1;
    public const int CrdCertificate = 1;
    public const int CertRequire = 2;
    public const int CrtFmtDer = 0;
    public const int CrtFmtPem = 1;
    public const int RndNonce = 0;
    public const int RndRandom = 1;
    public const int Sha256 = 6;
    public const int PkRsa = 1;
    public const int PkEcdsa = 4;
    public const int PkEddsaEd25519 = 7;
    public const int EccCurveSecp256R1 = 2;
    public const int SignEcdsaSha256 = 14;

    [LibraryImport(Library)]
    public static partial byte* gnutls_check_version(byte* req_version);

    [LibraryImport(Library)]
    public static partial byte* gnutls_strerror(int error);

    [LibraryImport(Library)]
    public static partial int gnutls_init(void** session, uint flags);

    [LibraryImport(Library)]
    public static partial void gnutls_deinit(void* session);

    [LibraryImport(Library)]
    public static partial int gnutls_priority_init(void** priority_cache, byte* priorities, byte** err_pos);

    [LibraryImport(Library)]
    public static partial void gnutls_priority_deinit(void* priority_cache);

    [LibraryImport(Library)]
    public static partial int gnutls_priority_set(void* session, void* priority);

    [LibraryImport(Library)]
    public static partial int gnutls_credentials_set(void* session, int type, void* cred);

    [LibraryImport(Library)]
    public static partial void gnutls_session_set_ptr(void* session, void* ptr);

    [LibraryImport(Library)]
    public static partial void* gnutls_session_get_ptr(void* session);

    [LibraryImport(Library)]
    public static partial void gnutls_session_set_verify_function(void* session, nint func);

    [LibraryImport(Library)]
    public static partial void gnutls_certificate_server_set_request(void* session, int req);

    [LibraryImport(Library)]
    public static partial GnuTlsDatum* gnutls_certificate_get_peers(void* session, uint* list_size);

    [LibraryImport(Library)]
    public static partial int gnutls_alpn_set_protocols(void* session, GnuTlsDatum* protocols, uint protocols_size, uint flags);

    [LibraryImport(Library)]
    public static partial int gnutls_alpn_get_selected_protocol(void* session, GnuTlsDatum* protocol);

    [LibraryImport(Library)]
    public static partial int gnutls_certificate_allocate_credentials(void** res);

    [LibraryImport(Library)]
    public static partial void gnutls_certificate_free_credentials(void* sc);

    [LibraryImport(Library)]
    public static partial int gnutls_certificate_set_key(
        void* res, byte** names, int names_size, gnutls_pcert_st* pcert_list, int pcert_list_size, void* key);

    [LibraryImport(Library)]
    public static partial int gnutls_pcert_import_x509_raw(gnutls_pcert_st* pcert, GnuTlsDatum* cert, int format, uint flags);

    [LibraryImport(Library)]
    public static partial void gnutls_pcert_deinit(gnutls_pcert_st* pcert);

    [LibraryImport(Library)]
    public static partial int gnutls_privkey_init(void** key);

    [LibraryImport(Library)]
    public static partial void gnutls_privkey_deinit(void* key);

    [LibraryImport(Library)]
    public static partial int gnutls_privkey_import_x509_raw(void* pkey, GnuTlsDatum* data, int format, byte* password, uint flags);

    [LibraryImport(Library)]
    public static partial int gnutls_x509_crt_init(void** cert);

    [LibraryImport(Library)]
    public static partial void gnutls_x509_crt_deinit(void* cert);

    [LibraryImport(Library)]
    public static partial int gnutls_x509_crt_import(void* cert, GnuTlsDatum* data, int format);

    [LibraryImport(Library)]
    public static partial long gnutls_x509_crt_get_activation_time(void* cert);

    [LibraryImport(Library)]
    public static partial long gnutls_x509_crt_get_expiration_time(void* cert);

    [LibraryImport(Library)]
    public static partial int gnutls_x509_crt_get_pk_algorithm(void* cert, uint* bits);

    [LibraryImport(Library)]
    public static partial int gnutls_x509_crt_get_pk_ecc_raw(void* cert, int* curve, GnuTlsDatum* x, GnuTlsDatum* y);

    [LibraryImport(Library)]
    public static partial int gnutls_x509_crt_get_extension_info(void* cert, uint indx, byte* oid, nuint* oid_size, uint* critical);

    [LibraryImport(Library)]
    public static partial int gnutls_x509_crt_get_extension_data(void* cert, uint indx, byte* data, nuint* sizeof_data);

    [LibraryImport(Library)]
    public static partial int gnutls_pubkey_init(void** key);

    [LibraryImport(Library)]
    public static partial void gnutls_pubkey_deinit(void* key);

    [LibraryImport(Library)]
    public static partial int gnutls_pubkey_import_x509(void* key, void* crt, uint flags);

    [LibraryImport(Library)]
    public static partial int gnutls_pubkey_verify_data2(void* pubkey, int algo, uint flags, GnuTlsDatum* data, GnuTlsDatum* signature);

    [LibraryImport(Library)]
    public static partial int gnutls_hash_fast(int algorithm, byte* text, nuint textlen, byte* digest);

    [LibraryImport(Library)]
    public static partial int gnutls_hmac_fast(int algorithm, byte* key, nuint keylen, byte* text, nuint textlen, byte* digest);

    [LibraryImport(Library)]
    public static partial int gnutls_hkdf_extract(int mac, GnuTlsDatum* key, GnuTlsDatum* salt, byte* output);

    [LibraryImport(Library)]
    public static partial int gnutls_hkdf_expand(int mac, GnuTlsDatum* key, GnuTlsDatum* info, byte* output, nuint length);

    [LibraryImport(Library)]
    public static partial int gnutls_rnd(int level, byte* data, nuint len);

    public static string Describe(int error) => Marshal.PtrToStringUTF8((nint)gnutls_strerror(error)) ?? $"error {error}";
}

/// <summary><c>gnutls_pcert_st</c> (gnutls/abstract.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct gnutls_pcert_st
{
    public void* pubkey;
    public GnuTlsDatum cert;
    public int type;
}
