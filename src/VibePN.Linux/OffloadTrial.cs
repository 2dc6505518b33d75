using System.Net;

namespace VibePN.Linux;

/// <summary>Why each offload could not be used on this host; null: it works, or it cannot be tried (no right to make a namespace).</summary>
/// <param name="UdpGso">UDP_SEGMENT.</param>
/// <param name="UdpGro">UDP_GRO.</param>
/// <param name="TunTcp">TCP in super-packets between the host and an interface.</param>
/// <param name="TunUdp">UDP likewise.</param>
public sealed record OffloadTrial(string? UdpGso, string? UdpGro, string? TunTcp, string? TunUdp)
{
    /// <summary>Tries them as a daemon does when it starts; some milliseconds. Touches nothing of the host.</summary>
    public static OffloadTrial Run()
    {
        var (tcp, udp) = TunSelfTest.Run();
        return new OffloadTrial(UdpGsoSelfTest.Run(), TryGro(), tcp, udp);
    }

    private static string? TryGro()
    {
        try
        {
            using var socket = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0), new UdpOptions { SelfTest = false });
            return socket.IsGroActive ? null : "the kernel has no UDP_GRO (Linux 5.0 is needed)";
        }
        catch (LinuxException)
        {
            return null;
        }
    }
}
