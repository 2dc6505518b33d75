using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary><c>ngtcp2_callbacks</c>, version 1 (ngtcp2/ngtcp2.h): 40 C function pointers.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ngtcp2_callbacks
{
    public const int Version = 1;

    public nint client_initial;
    public nint recv_client_initial;
    public nint recv_crypto_data;
    public nint handshake_completed;
    public nint recv_version_negotiation;
    public nint encrypt;
    public nint decrypt;
    public nint hp_mask;
    public nint recv_stream_data;
    public nint acked_stream_data_offset;
    public nint stream_open;
    public nint stream_close;
    public nint recv_stateless_reset;
    public nint recv_retry;
    public nint extend_max_local_streams_bidi;
    public nint extend_max_local_streams_uni;
    public nint rand;
    public nint get_new_connection_id;
    public nint remove_connection_id;
    public nint update_key;
    public nint path_validation;
    public nint select_preferred_addr;
    public nint stream_reset;
    public nint extend_max_remote_streams_bidi;
    public nint extend_max_remote_streams_uni;
    public nint extend_max_stream_data;
    public nint dcid_status;
    public nint handshake_confirmed;
    public nint recv_new_token;
    public nint delete_crypto_aead_ctx;
    public nint delete_crypto_cipher_ctx;
    public nint recv_datagram;
    public nint ack_datagram;
    public nint lost_datagram;
    public nint get_path_challenge_data;
    public nint stream_stop_sending;
    public nint version_negotiation;
    public nint recv_rx_key;
    public nint recv_tx_key;
    public nint tls_early_data_rejected;
}
