using VibePN.Linux;

namespace VibePN;

/// <summary>A network's interface in the loop. Thread: the loop's; the reason why it is not put together any more, any.</summary>
internal sealed class NodeLoopInterface(TunDevice tun) : IDisposable
{
    public TunDevice Tun { get; } = tun;

    public Coalescer Coalescer { get; } = new(frames: 64, tun.HasOffloads, tun.HasUdpOffload);

    /// <summary>Not the device: who has opened that closes it.</summary>
    public void Dispose() => Coalescer.Dispose();
}

/// <summary>A UDP socket in the loop. Thread: the loop's.</summary>
internal sealed class NodeLoopSocket(UdpSocket udp, ulong token)
{
    public UdpSocket Udp { get; } = udp;

    /// <summary>In epoll.</summary>
    public ulong Token { get; } = token;

    /// <summary>It was full: epoll says when there is room.</summary>
    public bool WaitsForWritable { get; set; }

    /// <summary>It had to make way at once; connections by its address have yet to move all the same.</summary>
    public bool IsClosed { get; set; }

    /// <summary>When it is closed, whoever is still connected by it; <see cref="ulong.MaxValue"/>: not.</summary>
    public ulong CloseNanos { get; set; } = ulong.MaxValue;
}
