using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace VibePN.Cli.Daemon;

/// <summary>Who is at the other end of a Unix socket, as the kernel noted when it connected (struct ucred, unix(7)).</summary>
internal readonly record struct PeerCredentials(int Pid, uint Uid, uint Gid)
{
    private const int SOL_SOCKET = 1;
    private const int SO_PEERCRED = 17;

    public static PeerCredentials Of(Socket socket)
    {
        Span<byte> raw = stackalloc byte[12];
        _ = socket.GetRawSocketOption(SOL_SOCKET, SO_PEERCRED, raw);
        return new PeerCredentials(
            MemoryMarshal.Read<int>(raw),
            MemoryMarshal.Read<uint>(raw[4..]),
            MemoryMarshal.Read<uint>(raw[8..]));
    }
}
