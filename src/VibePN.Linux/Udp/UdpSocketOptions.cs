using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>The options of a UDP socket. A dual-stack socket needs those of both levels: IPv4 peers know nothing of SOL_IPV6.</summary>
internal static unsafe class UdpSocketOptions
{
    /// <exception cref="LinuxException"/>
    public static void Set(int fd, string operation, bool isV6, bool isDualStack, int bufferBytes)
    {
        if (isV6)
        {
            Require(fd, operation, SocketConstants.SOL_IPV6, SocketConstants.IPV6_V6ONLY, isDualStack ? 0 : 1);
            Require(fd, operation, SocketConstants.SOL_IPV6, SocketConstants.IPV6_RECVPKTINFO, 1);
            Require(fd, operation, SocketConstants.SOL_IPV6, SocketConstants.IPV6_RECVTCLASS, 1);
            Require(fd, operation, SocketConstants.SOL_IPV6, SocketConstants.IPV6_MTU_DISCOVER, SocketConstants.IPV6_PMTUDISC_PROBE);
        }

        if (!isV6 || isDualStack)
        {
            Require(fd, operation, SocketConstants.SOL_IP, SocketConstants.IP_PKTINFO, 1);
            Require(fd, operation, SocketConstants.SOL_IP, SocketConstants.IP_RECVTOS, 1);
            Require(fd, operation, SocketConstants.SOL_IP, SocketConstants.IP_MTU_DISCOVER, SocketConstants.IP_PMTUDISC_PROBE);
        }

        // Without CAP_NET_ADMIN there are no routes that it would have to pass by either.
        _ = TryMark(fd);
        SetBuffer(fd, SocketConstants.SO_RCVBUFFORCE, SocketConstants.SO_RCVBUF, bufferBytes);
        SetBuffer(fd, SocketConstants.SO_SNDBUFFORCE, SocketConstants.SO_SNDBUF, bufferBytes);
    }

    /// <summary>SO_REUSEADDR: looked at when a second socket is bound, on both.</summary>
    public static void AllowSharing(int fd, bool isAllowed) => _ = TrySet(fd, SocketConstants.SOL_SOCKET, SocketConstants.SO_REUSEADDR, isAllowed ? 1 : 0);

    /// <summary>Marks a socket as one of ours, so that it is routed as our datagrams are.</summary>
    public static bool TryMark(int fd) => TrySet(fd, SocketConstants.SOL_SOCKET, SocketConstants.SO_MARK, (int)HostNetwork.Mark);

    public static bool TryEnableGro(int fd) => TrySet(fd, SocketConstants.SOL_UDP, SocketConstants.UDP_GRO, 1);

    public static bool HasGso(int fd)
    {
        int value;
        uint length = sizeof(int);
        return Libc.getsockopt(fd, SocketConstants.SOL_UDP, SocketConstants.UDP_SEGMENT, &value, &length) == 0;
    }

    private static void SetBuffer(int fd, int force, int plain, int bytes)
    {
        if (!TrySet(fd, SocketConstants.SOL_SOCKET, force, bytes))
        {
            // Without CAP_NET_ADMIN: up to net.core.rmem_max / wmem_max.
            _ = TrySet(fd, SocketConstants.SOL_SOCKET, plain, bytes);
        }
    }

    private static bool TrySet(int fd, int level, int option, int value) => Libc.setsockopt(fd, level, option, &value, sizeof(int)) == 0;

    private static void Require(int fd, string operation, int level, int option, int value)
    {
        if (!TrySet(fd, level, option, value))
        {
            throw LinuxException.FromLastError($"{operation}: setsockopt({level}, {option})");
        }
    }
}
