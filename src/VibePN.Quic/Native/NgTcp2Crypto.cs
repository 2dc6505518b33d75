using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>ngtcp2's TLS helper for GnuTLS (ngtcp2/ngtcp2_crypto.h). Its callbacks go native to native: see <see cref="CallbackTable"/>.</summary>
internal static unsafe partial class NgTcp2Crypto
{
    public const string Library = "libngtcp2_crypto_gnutls.so.8";

    /// <summary>First byte of a token made by <see cref="ngtcp2_crypto_generate_retry_token2"/>.</summary>
    public const byte TokenMagicRetry2 = 0xb7;

    /// <summary><c>NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2</c>.</summary>
    public const int MaxRetryTokenBytes = 1 + 28 + 1 + 20 + 8 + 16 + 16;

    /// <summary>First byte of a token made by <see cref="ngtcp2_crypto_generate_regular_token"/>.</summary>
    public const byte TokenMagicRegular = 0x36;

    /// <summary><c>NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN</c>.</summary>
    public const int MaxRegularTokenBytes = 1 + 8 + 16 + 16;

    /// <summary>
    /// ngtcp2 and this are part of the executable, as src/VibePN.Cli/VibePN.Cli.csproj links them where it can; GnuTLS is then loaded
    /// with it. Else all three are loaded when they are needed.
    /// </summary>
    public static bool IsLinkedIn { get; } = NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "ngtcp2_crypto_client_initial_cb", out _);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_recv_crypto_data_cb(void* conn, int level, ulong offset, byte* data, nuint datalen, void* user_data);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_generate_stateless_reset_token(byte* token, byte* secret, nuint secretlen, ngtcp2_cid* cid);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_crypto_generate_retry_token2(
        byte* token, byte* secret, nuint secretlen, uint version, byte* remote_addr, uint remote_addrlen,
        ngtcp2_cid* retry_scid, ngtcp2_cid* odcid, ulong ts);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_verify_retry_token2(
        ngtcp2_cid* odcid, byte* token, nuint tokenlen, byte* secret, nuint secretlen, uint version,
        byte* remote_addr, uint remote_addrlen, ngtcp2_cid* dcid, ulong timeout, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_crypto_generate_regular_token(
        byte* token, byte* secret, nuint secretlen, byte* remote_addr, uint remote_addrlen, ulong ts);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_verify_regular_token(
        byte* token, nuint tokenlen, byte* secret, nuint secretlen, byte* remote_addr, uint remote_addrlen, ulong timeout, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_crypto_write_retry(
        byte* dest, nuint destlen, uint version, ngtcp2_cid* dcid, ngtcp2_cid* scid, ngtcp2_cid* odcid, byte* token, nuint tokenlen);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_crypto_write_connection_close(
        byte* dest, nuint destlen, uint version, ngtcp2_cid* dcid, ngtcp2_cid* scid, ulong error_code, byte* reason, nuint reasonlen);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_gnutls_configure_server_session(void* session);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_gnutls_configure_client_session(void* session);
}
