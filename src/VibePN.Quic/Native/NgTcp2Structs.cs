using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>Small blittable structs of ngtcp2/ngtcp2.h and ngtcp2/ngtcp2_crypto.h; names and order as there (checked by a test).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_cid
{
    public const int MaxBytes = 20;

    public nuint datalen;
    public fixed byte data[MaxBytes];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_vec
{
    public byte* @base;
    public nuint len;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct ngtcp2_pkt_info
{
    public byte ecn;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_addr
{
    public byte* addr;
    public uint addrlen;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_path
{
    public ngtcp2_addr local;
    public ngtcp2_addr remote;
    public void* user_data;
}

[StructLayout(LayoutKind.Sequential, Pack = 4, Size = 28)]
internal unsafe struct ngtcp2_sockaddr_union
{
    public fixed byte bytes[28];
}

[StructLayout(LayoutKind.Sequential)]
internal struct ngtcp2_path_storage
{
    public ngtcp2_path path;
    public ngtcp2_sockaddr_union local_addrbuf;
    public ngtcp2_sockaddr_union remote_addrbuf;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_version_cid
{
    public uint version;
    public byte* dcid;
    public nuint dcidlen;
    public byte* scid;
    public nuint scidlen;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_pkt_hd
{
    public ngtcp2_cid dcid;
    public ngtcp2_cid scid;
    public long pkt_num;
    public byte* token;
    public nuint tokenlen;
    public nuint pkt_numlen;
    public nuint len;
    public uint version;
    public byte type;
    public byte flags;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ngtcp2_conn_info
{
    public ulong latest_rtt;
    public ulong min_rtt;
    public ulong smoothed_rtt;
    public ulong rttvar;
    public ulong cwnd;
    public ulong ssthresh;
    public ulong bytes_in_flight;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_ccerr
{
    public int type;
    public ulong error_code;
    public ulong frame_type;
    public byte* reason;
    public nuint reasonlen;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_info
{
    public int age;
    public int version_num;
    public byte* version_str;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ngtcp2_crypto_conn_ref
{
    public nint get_conn;
    public void* user_data;
}
