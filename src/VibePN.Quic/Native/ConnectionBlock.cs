using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>
/// Native memory of one connection. The crypto helper finds the connection through the TLS session's pointer, which must be
/// an <see cref="ngtcp2_crypto_conn_ref"/>: so it comes first.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ConnectionBlock
{
    public ngtcp2_crypto_conn_ref ConnRef;

    /// <summary>GCHandle of the <see cref="QuicConnection"/>.</summary>
    public nint Handle;

    /// <summary>The active path, as ngtcp2 takes it: most packets come and go along it.</summary>
    public ngtcp2_path_storage ActivePath;

    /// <summary>Where ngtcp2 says on which path a packet goes.</summary>
    public ngtcp2_path_storage WrittenPath;

    public static QuicConnection Owner(ConnectionBlock* block) => (QuicConnection)GCHandle.FromIntPtr(block->Handle).Target!;
}
