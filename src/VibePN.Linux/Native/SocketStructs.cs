using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary><c>struct iovec</c> (sys/uio.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Iovec
{
    public void* iov_base;
    public nuint iov_len;
}

/// <summary><c>struct msghdr</c> (sys/socket.h, LP64).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Msghdr
{
    public void* msg_name;
    public uint msg_namelen;
    public Iovec* msg_iov;
    public nuint msg_iovlen;
    public void* msg_control;
    public nuint msg_controllen;
    public int msg_flags;
}

/// <summary><c>struct mmsghdr</c> (sys/socket.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Mmsghdr
{
    public Msghdr msg_hdr;
    public uint msg_len;
}

/// <summary><c>struct cmsghdr</c> (sys/socket.h); the data follows, padded to 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Cmsghdr
{
    public nuint cmsg_len;
    public int cmsg_level;
    public int cmsg_type;
}

/// <summary><c>struct in_pktinfo</c> (netinet/in.h); addresses in network byte order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InPktinfo
{
    public int ipi_ifindex;
    public uint ipi_spec_dst;
    public uint ipi_addr;
}

/// <summary><c>struct in6_pktinfo</c> (netinet/in.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct In6Pktinfo
{
    public fixed byte ipi6_addr[16];
    public uint ipi6_ifindex;
}

/// <summary><c>struct sockaddr_nl</c> (linux/netlink.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SockaddrNl
{
    public ushort nl_family;
    public ushort nl_pad;
    public uint nl_pid;
    public uint nl_groups;
}
