using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>libngtcp2 (ngtcp2/ngtcp2.h); the <c>_versioned</c> symbols, whose documented names are macros.</summary>
internal static unsafe partial class NgTcp2
{
    public const string Library = "libngtcp2.so.16";
    public const int PktInfoVersion = 1;
    public const int ConnInfoVersion = 1;

    /// <summary>QUIC version 1 (RFC 9000).</summary>
    public const uint ProtoVersion1 = 1;
    public const int CcAlgoCubic = 1;
    public const int CcAlgoBbr = 2;
    public const int TokenTypeUnknown = 0;
    public const int TokenTypeRetry = 1;
    public const int TokenTypeNewToken = 2;
    public const uint WriteDatagramMore = 1;
    public const uint WriteStreamFin = 2;
    public const uint StreamDataFin = 1;
    public const int CcErrTransport = 0;
    public const int CcErrApplication = 1;
    public const int StatelessResetTokenBytes = 16;

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_submit_new_token(void* conn, byte* token, nuint tokenlen);

    [LibraryImport(Library)]
    public static partial ngtcp2_info* ngtcp2_version(int least_version);

    [LibraryImport(Library)]
    public static partial void ngtcp2_settings_default_versioned(int settings_version, ngtcp2_settings* settings);

    [LibraryImport(Library)]
    public static partial void ngtcp2_transport_params_default_versioned(int params_version, ngtcp2_transport_params* @params);

    [LibraryImport(Library)]
    public static partial int ngtcp2_pkt_decode_version_cid(ngtcp2_version_cid* dest, byte* data, nuint datalen, nuint short_dcidlen);

    [LibraryImport(Library)]
    public static partial int ngtcp2_accept(ngtcp2_pkt_hd* dest, byte* pkt, nuint pktlen);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_pkt_write_stateless_reset(byte* dest, nuint destlen, byte* token, byte* rand, nuint randlen);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_pkt_write_version_negotiation(
        byte* dest, nuint destlen, byte unused_random, byte* dcid, nuint dcidlen, byte* scid, nuint scidlen, uint* sv, nuint nsv);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_client_new_versioned(
        void** pconn, ngtcp2_cid* dcid, ngtcp2_cid* scid, ngtcp2_path* path, uint client_chosen_version,
        int callbacks_version, ngtcp2_callbacks* callbacks, int settings_version, ngtcp2_settings* settings,
        int transport_params_version, ngtcp2_transport_params* @params, void* mem, void* user_data);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_server_new_versioned(
        void** pconn, ngtcp2_cid* dcid, ngtcp2_cid* scid, ngtcp2_path* path, uint client_chosen_version,
        int callbacks_version, ngtcp2_callbacks* callbacks, int settings_version, ngtcp2_settings* settings,
        int transport_params_version, ngtcp2_transport_params* @params, void* mem, void* user_data);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_del(void* conn);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_read_pkt_versioned(
        void* conn, ngtcp2_path* path, int pkt_info_version, ngtcp2_pkt_info* pi, byte* pkt, nuint pktlen, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_conn_writev_stream_versioned(
        void* conn, ngtcp2_path* path, int pkt_info_version, ngtcp2_pkt_info* pi, byte* dest, nuint destlen,
        nint* pdatalen, uint flags, long stream_id, ngtcp2_vec* datav, nuint datavcnt, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_conn_writev_datagram_versioned(
        void* conn, ngtcp2_path* path, int pkt_info_version, ngtcp2_pkt_info* pi, byte* dest, nuint destlen,
        int* paccepted, uint flags, ulong dgram_id, ngtcp2_vec* datav, nuint datavcnt, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_conn_write_connection_close_versioned(
        void* conn, ngtcp2_path* path, int pkt_info_version, ngtcp2_pkt_info* pi, byte* dest, nuint destlen, ngtcp2_ccerr* ccerr, ulong ts);

    [LibraryImport(Library)]
    public static partial ngtcp2_ccerr* ngtcp2_conn_get_ccerr(void* conn);

    [LibraryImport(Library)]
    public static partial ulong ngtcp2_err_infer_quic_transport_error_code(int liberr);

    [LibraryImport(Library)]
    public static partial byte* ngtcp2_strerror(int liberr);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_set_tls_native_handle(void* conn, void* tls_native_handle);

    [LibraryImport(Library)]
    public static partial byte ngtcp2_conn_get_tls_alert(void* conn);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_set_tls_alert(void* conn, byte alert);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_set_keep_alive_timeout(void* conn, ulong timeout);

    [LibraryImport(Library)]
    public static partial ulong ngtcp2_conn_get_expiry(void* conn);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_handle_expiry(void* conn, ulong ts);

    [LibraryImport(Library)]
    public static partial ulong ngtcp2_conn_get_pto(void* conn);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_update_pkt_tx_time(void* conn, ulong ts);

    [LibraryImport(Library)]
    public static partial ngtcp2_path* ngtcp2_conn_get_path(void* conn);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_initiate_immediate_migration(void* conn, ngtcp2_path* path, ulong ts);

    [LibraryImport(Library)]
    public static partial nuint ngtcp2_conn_get_path_max_tx_udp_payload_size(void* conn);

    [LibraryImport(Library)]
    public static partial ngtcp2_cid* ngtcp2_conn_get_dcid(void* conn);

    [LibraryImport(Library)]
    public static partial ngtcp2_transport_params* ngtcp2_conn_get_remote_transport_params(void* conn);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_get_conn_info_versioned(void* conn, int conn_info_version, ngtcp2_conn_info* cinfo);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_open_bidi_stream(void* conn, long* pstream_id, void* stream_user_data);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_shutdown_stream(void* conn, uint flags, long stream_id, ulong app_error_code);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_shutdown_stream_write(void* conn, uint flags, long stream_id, ulong app_error_code);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_extend_max_stream_offset(void* conn, long stream_id, ulong datalen);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_extend_max_offset(void* conn, ulong datalen);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_extend_max_streams_bidi(void* conn, nuint n);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_initiate_key_update(void* conn, ulong ts);
}
