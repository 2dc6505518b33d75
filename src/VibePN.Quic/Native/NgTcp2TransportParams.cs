using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary><c>ngtcp2_transport_params</c>, version 1 (ngtcp2/ngtcp2.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_transport_params
{
    public const int Version = 1;

    public ngtcp2_preferred_addr preferred_addr;
    public ngtcp2_cid original_dcid;
    public ngtcp2_cid initial_scid;
    public ngtcp2_cid retry_scid;
    public ulong initial_max_stream_data_bidi_local;
    public ulong initial_max_stream_data_bidi_remote;
    public ulong initial_max_stream_data_uni;
    public ulong initial_max_data;
    public ulong initial_max_streams_bidi;
    public ulong initial_max_streams_uni;
    public ulong max_idle_timeout;
    public ulong max_udp_payload_size;
    public ulong active_connection_id_limit;
    public ulong ack_delay_exponent;
    public ulong max_ack_delay;
    public ulong max_datagram_frame_size;
    public byte stateless_reset_token_present;
    public byte disable_active_migration;
    public byte original_dcid_present;
    public byte initial_scid_present;
    public byte retry_scid_present;
    public byte preferred_addr_present;
    public fixed byte stateless_reset_token[16];
    public byte grease_quic_bit;
    public ngtcp2_version_info version_info;
    public byte version_info_present;
}

[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal unsafe struct ngtcp2_preferred_addr
{
    public ngtcp2_cid cid;
    public ngtcp2_sockaddr_in ipv4;
    public ngtcp2_sockaddr_union ipv6;
    public byte ipv4_present;
    public byte ipv6_present;
    public fixed byte stateless_reset_token[16];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_sockaddr_in
{
    public fixed uint words[4];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_version_info
{
    public uint chosen_version;
    public byte* available_versions;
    public nuint available_versionslen;
}
