namespace VibePN.Linux;

/// <summary><c>VIRTIO_NET_HDR_GSO_*</c>.</summary>
[Flags]
public enum VirtioGsoType : byte
{
    None = 0,
    TcpV4 = 1,
    Udp = 3,
    TcpV6 = 4,
    UdpL4 = 5,

    /// <summary>Beside a TCP type: the segments carry CWR.</summary>
    Ecn = 0x80,
}
