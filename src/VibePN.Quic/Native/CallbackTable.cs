using System.Runtime.InteropServices;
using VibePN.Quic.Crypto;

namespace VibePN.Quic.Native;

/// <summary>
/// Fills ngtcp2's callback table: what the crypto helper ships goes in as its native address (no managed frame in between),
/// the rest are the thunks of <see cref="Thunks"/>.
/// </summary>
internal static unsafe class CallbackTable
{
    /// <summary>The helper's functions that the table needs; <see cref="QuicLibrary"/> checks that all are there.</summary>
    public static ReadOnlySpan<string> HelperSymbols => Names;

    private static readonly string[] Names =
    [
        "ngtcp2_crypto_client_initial_cb",
        "ngtcp2_crypto_recv_client_initial_cb",
        "ngtcp2_crypto_encrypt_cb",
        "ngtcp2_crypto_decrypt_cb",
        "ngtcp2_crypto_hp_mask_cb",
        "ngtcp2_crypto_recv_retry_cb",
        "ngtcp2_crypto_update_key_cb",
        "ngtcp2_crypto_delete_crypto_aead_ctx_cb",
        "ngtcp2_crypto_delete_crypto_cipher_ctx_cb",
        "ngtcp2_crypto_get_path_challenge_data_cb",
        "ngtcp2_crypto_version_negotiation_cb",
    ];

    /// <param name="accelerated">With own packet and header protection for 1-RTT (<see cref="CryptoThunks"/>).</param>
    public static ngtcp2_callbacks Create(bool accelerated)
    {
        var table = Create();
        if (accelerated)
        {
            table.encrypt = (nint)(delegate* unmanaged<byte*, void*, ngtcp2_crypto_aead_ctx*, byte*, nuint, byte*, nuint, byte*, nuint, int>)&CryptoThunks.Encrypt;
            table.decrypt = (nint)(delegate* unmanaged<byte*, void*, ngtcp2_crypto_aead_ctx*, byte*, nuint, byte*, nuint, byte*, nuint, int>)&CryptoThunks.Decrypt;
            table.hp_mask = (nint)(delegate* unmanaged<byte*, void*, ngtcp2_crypto_cipher_ctx*, byte*, int>)&CryptoThunks.HeaderMask;
            table.update_key = (nint)(delegate* unmanaged<
                void*, byte*, byte*, ngtcp2_crypto_aead_ctx*, byte*, ngtcp2_crypto_aead_ctx*, byte*, byte*, byte*, nuint, void*, int>)&CryptoThunks.UpdateKey;
            table.delete_crypto_aead_ctx = (nint)(delegate* unmanaged<void*, ngtcp2_crypto_aead_ctx*, void*, void>)&CryptoThunks.DeletePacketKey;
            table.delete_crypto_cipher_ctx = (nint)(delegate* unmanaged<void*, ngtcp2_crypto_cipher_ctx*, void*, void>)&CryptoThunks.DeleteHeaderKey;
        }

        return table;
    }

    private static ngtcp2_callbacks Create()
    {
        var helper = NgTcp2Crypto.IsLinkedIn ? NativeLibrary.GetMainProgramHandle() : NativeLibrary.Load(NgTcp2Crypto.Library);
        return new ngtcp2_callbacks
        {
            client_initial = NativeLibrary.GetExport(helper, Names[0]),
            recv_client_initial = NativeLibrary.GetExport(helper, Names[1]),
            encrypt = NativeLibrary.GetExport(helper, Names[2]),
            decrypt = NativeLibrary.GetExport(helper, Names[3]),
            hp_mask = NativeLibrary.GetExport(helper, Names[4]),
            recv_retry = NativeLibrary.GetExport(helper, Names[5]),
            update_key = NativeLibrary.GetExport(helper, Names[6]),
            delete_crypto_aead_ctx = NativeLibrary.GetExport(helper, Names[7]),
            delete_crypto_cipher_ctx = NativeLibrary.GetExport(helper, Names[8]),
            get_path_challenge_data = NativeLibrary.GetExport(helper, Names[9]),
            version_negotiation = NativeLibrary.GetExport(helper, Names[10]),
            recv_crypto_data = (nint)(delegate* unmanaged<void*, int, ulong, byte*, nuint, void*, int>)&Thunks.RecvCryptoData,
            handshake_completed = (nint)(delegate* unmanaged<void*, void*, int>)&Thunks.HandshakeCompleted,
            handshake_confirmed = (nint)(delegate* unmanaged<void*, void*, int>)&Thunks.HandshakeConfirmed,
            recv_stream_data = (nint)(delegate* unmanaged<void*, uint, long, ulong, byte*, nuint, void*, void*, int>)&Thunks.RecvStreamData,
            acked_stream_data_offset = (nint)(delegate* unmanaged<void*, long, ulong, ulong, void*, void*, int>)&Thunks.AckedStreamDataOffset,
            stream_open = (nint)(delegate* unmanaged<void*, long, void*, int>)&Thunks.StreamOpen,
            stream_close = (nint)(delegate* unmanaged<void*, uint, long, ulong, void*, void*, int>)&Thunks.StreamClose,
            stream_reset = (nint)(delegate* unmanaged<void*, long, ulong, ulong, void*, void*, int>)&Thunks.StreamReset,
            stream_stop_sending = (nint)(delegate* unmanaged<void*, long, ulong, void*, void*, int>)&Thunks.StreamStopSending,
            recv_new_token = (nint)(delegate* unmanaged<void*, byte*, nuint, void*, int>)&Thunks.RecvNewToken,
            recv_stateless_reset = (nint)(delegate* unmanaged<void*, void*, void*, int>)&Thunks.RecvStatelessReset,
            rand = (nint)(delegate* unmanaged<byte*, nuint, void*, void>)&Thunks.Rand,
            get_new_connection_id = (nint)(delegate* unmanaged<void*, ngtcp2_cid*, byte*, nuint, void*, int>)&Thunks.GetNewConnectionId,
            remove_connection_id = (nint)(delegate* unmanaged<void*, ngtcp2_cid*, void*, int>)&Thunks.RemoveConnectionId,
            dcid_status = (nint)(delegate* unmanaged<void*, int, ulong, ngtcp2_cid*, byte*, void*, int>)&Thunks.DcidStatus,
            path_validation = (nint)(delegate* unmanaged<void*, uint, void*, void*, int, void*, int>)&Thunks.PathValidation,
            recv_datagram = (nint)(delegate* unmanaged<void*, uint, byte*, nuint, void*, int>)&Thunks.RecvDatagram,
            ack_datagram = (nint)(delegate* unmanaged<void*, ulong, void*, int>)&Thunks.AckDatagram,
            lost_datagram = (nint)(delegate* unmanaged<void*, ulong, void*, int>)&Thunks.LostDatagram,
        };
    }
}
