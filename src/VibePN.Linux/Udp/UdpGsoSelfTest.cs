using System.Net;

namespace VibePN.Linux;

/// <summary>
/// Whether the kernel's UDP_SEGMENT delivers what it was given: a run of equal datagrams over loopback. Some kernels corrupt such runs
/// (Linux 7.0 to 7.1.4), without any error.
/// </summary>
internal static class UdpGsoSelfTest
{
    private const int Datagrams = 4;
    private const int DatagramBytes = 1200;
    private const ulong TimeoutNanos = 50_000_000;
    private static readonly Version _firstBroken = new(7, 0);
    private static readonly Version _firstRepaired = new(7, 1, 5);

    /// <returns>Why it must not be used; null: it works, or cannot be tried (no loopback).</returns>
    public static string? Run()
    {
        try
        {
            return Refusal(Environment.OSVersion.Version) ?? TryLoopback();
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    internal static string? Refusal(Version kernel) =>
        kernel >= _firstBroken && kernel < _firstRepaired ? $"Linux {kernel} corrupts runs of equal datagrams" : null;

    private static string? TryLoopback()
    {
        var loopback = new IPEndPoint(IPAddress.Loopback, 0);
        using var socket = UdpSocket.Bind(loopback, new UdpOptions { Gro = false, SelfTest = false });
        using var send = new UdpSendBatch(Datagrams);
        using var receive = new UdpReceiveBatch(Datagrams);
        using var epoll = new Epoll();
        epoll.Add(socket.Fd, 0);
        for (var i = 0; i < Datagrams; i++)
        {
            Fill(send.Reserve(DatagramBytes), i);
            send.Commit(DatagramBytes, socket.ToRemote(socket.LocalEndPoint), default, ecn: 0);
        }

        _ = socket.Send(send);
        var deadline = BootClock.Nanos() + TimeoutNanos;
        Span<byte> expected = stackalloc byte[DatagramBytes];
        Span<EpollReady> ready = stackalloc EpollReady[1];
        for (var received = 0; received < Datagrams && epoll.Wait(ready, deadline) > 0;)
        {
            _ = socket.Receive(receive);
            for (var i = 0; i < receive.Count; i++, received++)
            {
                // Anybody on this host may send to the port: only our own count.
                Fill(expected, received);
                if (receive[i].Remote == socket.ToRemote(socket.LocalEndPoint) && !receive[i].Bytes.SequenceEqual(expected))
                {
                    return "self-test failed: datagrams were changed";
                }
            }
        }

        return socket.GsoInactiveReason;
    }

    private static void Fill(Span<byte> datagram, int number)
    {
        for (var i = 0; i < datagram.Length; i++)
        {
            datagram[i] = (byte)((i * 3) + (number * 59));
        }
    }
}
