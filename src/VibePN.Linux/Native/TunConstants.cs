using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary>Numbers of linux/if_tun.h and net/if.h.</summary>
internal static class TunConstants
{
    public const nuint TUNSETIFF = 0x400454ca;
    public const nuint TUNSETOFFLOAD = 0x400454d0;

    public const short IFF_TUN = 0x0001;
    public const short IFF_NO_PI = 0x1000;
    public const short IFF_VNET_HDR = 0x4000;
    public const short IFF_TUN_EXCL = unchecked((short)0x8000);

    public const uint TUN_F_CSUM = 0x01;
    public const uint TUN_F_TSO4 = 0x02;
    public const uint TUN_F_TSO6 = 0x04;
    public const uint TUN_F_TSO_ECN = 0x08;
    public const uint TUN_F_USO4 = 0x20;
    public const uint TUN_F_USO6 = 0x40;

    public const int IFNAMSIZ = 16;
}

/// <summary><c>struct ifreq</c> (net/if.h) as TUNSETIFF reads it: the name and the flags.</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal unsafe struct Ifreq
{
    public fixed byte ifr_name[TunConstants.IFNAMSIZ];
    public short ifr_flags;
}
