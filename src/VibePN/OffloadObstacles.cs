namespace VibePN;

/// <summary>Why the UDP socket does not use an offload of the kernel; null: it does.</summary>
public sealed record UdpObstacles(string? Gso, string? Gro);

/// <summary>Why a network's interface does not, likewise. <paramref name="Tcp"/>: checksums too.</summary>
public sealed record TunObstacles(string? Tcp, string? Udp);
