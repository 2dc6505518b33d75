using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary><c>ngtcp2_settings</c>, version 2 (ngtcp2/ngtcp2.h). <c>qlog_write</c> stays null: CVE-2026-40170; <c>log_printf</c> too: variadic.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_settings
{
    public const int Version = 2;

    public nint qlog_write;
    public int cc_algo;
    public ulong initial_ts;
    public ulong initial_rtt;
    public nint log_printf;
    public nuint max_tx_udp_payload_size;
    public byte* token;
    public nuint tokenlen;
    public int token_type;
    public void* rand_ctx;
    public ulong max_window;
    public ulong max_stream_window;
    public nuint ack_thresh;
    public byte no_tx_udp_payload_size_shaping;
    public ulong handshake_timeout;
    public uint* preferred_versions;
    public nuint preferred_versionslen;
    public uint* available_versions;
    public nuint available_versionslen;
    public uint original_version;
    public byte no_pmtud;
    public uint initial_pkt_num;
    public ushort* pmtud_probes;
    public nuint pmtud_probeslen;
}
