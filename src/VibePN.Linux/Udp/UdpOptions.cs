namespace VibePN.Linux;

/// <summary>How a <see cref="UdpSocket"/> is opened.</summary>
public sealed record UdpOptions
{
    /// <summary>For each direction; what the kernel does not grant is left away.</summary>
    public int SocketBufferBytes { get; init; } = 7 * 1024 * 1024;

    /// <summary>Sends runs of equal packets by UDP_SEGMENT, as long as the kernel can.</summary>
    public bool Gso { get; init; } = true;

    /// <summary>Tries UDP_SEGMENT over loopback first (well under a millisecond).</summary>
    public bool SelfTest { get; init; } = true;

    /// <summary>Receives runs of equal packets by UDP_GRO, where the kernel can.</summary>
    public bool Gro { get; init; } = true;

    /// <summary>Binds beside a socket that allows it (<see cref="UdpSocket.BindBeside"/>).</summary>
    internal bool Shared { get; init; }
}
