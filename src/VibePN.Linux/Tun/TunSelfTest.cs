using System.Net;
using System.Net.Sockets;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// Tries the offloads of the running kernel, in a network namespace that exists only on a thread of this test: real UDP and TCP go
/// through a TUN whose far side segments, swaps the addresses and coalesces. Takes some milliseconds; touches nothing of the host.
/// </summary>
internal sealed class TunSelfTest : IDisposable
{
    private const ulong TimeoutNanos = 5_000_000_000;
    private const ulong NanosPerMilli = 1_000_000;
    private const int Port = 7;
    private const int UdpSegments = 4;
    private const int UdpSegmentBytes = 900;
    private const int UdpLastBytes = 333;
    private const int TcpBytes = 128 * 1024;
    private static readonly IPAddress _own = new([192, 0, 2, 1]);
    private static readonly IPAddress _peer = new([192, 0, 2, 2]);

    private readonly TunDevice _tun;
    private readonly HostNetwork _network = new();
    private readonly TunBatch _batch = new(frames: 4);
    private readonly Coalescer _coalescer;
    private readonly byte[] _packet = new byte[ushort.MaxValue];
    private readonly ulong _deadline = BootClock.Nanos() + TimeoutNanos;
    private int _superPackets;

    private TunSelfTest()
    {
        _tun = TunDevice.Open("vibepn-test", new TunOptions { Offloads = true, SelfTest = false });
        _coalescer = new Coalescer(frames: 8, _tun.HasOffloads, _tun.HasUdpOffload);
        _network.Apply(new HostState([new LinkState(_tun.InterfaceIndex, _tun.Name, 1400, Up: true, [new InterfaceAddress(_own, 24)], [])]));
    }

    /// <summary>Tries them now, and leaves nothing when it returns.</summary>
    /// <returns>Why TCP and UDP offloads must not be used; null: they work, or it cannot be tried (no right to make a namespace).</returns>
    public static (string? Tcp, string? Udp) Run()
    {
        using var trial = TunTrial.Start();
        var verdict = trial.Verdict();
        trial.Dispose();
        trial.Join();
        return verdict;
    }

    public void Dispose()
    {
        _coalescer.Dispose();
        _batch.Dispose();
        _network.Dispose();
        _tun.Dispose();
    }

    /// <summary>On a thread that ends afterwards: it leaves the program's network namespace. Not told: it cannot be tried.</summary>
    /// <param name="tell">Takes why TCP and UDP offloads must not be used; the namespace goes when it returns.</param>
    internal static void RunInNamespace(Action<(string? Tcp, string? Udp)> tell)
    {
        if (Libc.unshare(Libc.CLONE_NEWNET) != 0)
        {
            return;
        }

        TunSelfTest test;
        try
        {
            test = new TunSelfTest();
        }
        catch (LinuxException)
        {
            // The real interface will fail the same way, and say so.
            return;
        }

        using (test)
        {
            tell((Try(test.TestTcp), test._tun.HasUdpOffload ? Try(test.TestUdp) : null));
        }
    }

    private static string? Try(Func<string?> test)
    {
        try
        {
            return test();
        }
        catch (Exception e) when (e is LinuxException or SocketException)
        {
            return e.Message;
        }
    }

    private string? TestUdp()
    {
        using var socket = UdpSocket.Bind(new IPEndPoint(_own, Port), new UdpOptions { Gro = false });
        using var send = new UdpSendBatch(UdpSegments);
        using var receive = new UdpReceiveBatch(UdpSegments * 2);
        var remote = socket.ToRemote(new IPEndPoint(_peer, Port));
        for (var i = 0; i < UdpSegments; i++)
        {
            var bytes = i < UdpSegments - 1 ? UdpSegmentBytes : UdpLastBytes;
            send.Reserve(bytes).Fill((byte)(i + 1));
            send.Commit(bytes, remote, default, ecn: 0);
        }

        _superPackets = 0;
        _ = socket.Send(send);
        var received = 0;
        while (received < UdpSegments && Pump(socket.Fd))
        {
            _ = socket.Receive(receive);
            for (var i = 0; i < receive.Count; i++, received++)
            {
                var bytes = received < UdpSegments - 1 ? UdpSegmentBytes : UdpLastBytes;
                if (receive[i].Bytes.Length != bytes || receive[i].Bytes.IndexOfAnyExcept((byte)(received + 1)) >= 0)
                {
                    return "UDP datagrams were changed";
                }
            }
        }

        return received != UdpSegments ? "UDP datagrams were lost" : Refusal();
    }

    private string? TestTcp()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(_own, Port));
        listener.Listen(1);
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            client.Connect(new IPEndPoint(_peer, Port));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // The handshake needs the pump.
        }

        while (!listener.Poll(0, SelectMode.SelectRead))
        {
            if (!Pump(-1))
            {
                return "no TCP connection";
            }
        }

        _superPackets = 0;
        using var server = listener.Accept();
        server.Blocking = false;
        var data = new byte[TcpBytes];
        for (var i = 0; i < data.Length; i++)
        {
            data[i] = (byte)((i * 7) ^ (i >> 8));
        }

        var received = new byte[TcpBytes];
        var sent = 0;
        var total = 0;
        while (total < TcpBytes && Pump(-1))
        {
            if (sent < TcpBytes)
            {
                sent += Math.Max(client.Send(data.AsSpan(sent), SocketFlags.None, out _), 0);
            }

            total += Math.Max(server.Receive(received.AsSpan(total), SocketFlags.None, out _), 0);
        }

        return total < TcpBytes ? "TCP data was lost" : received.AsSpan().SequenceEqual(data) ? Refusal() : "TCP data was changed";
    }

    private string? Refusal()
    {
        var counters = _tun.Counters;
        return _coalescer.InactiveReason
            ?? (counters.WriteInvalid + counters.WriteTooBig + counters.WriteFailed > 0 ? "the kernel refused a frame" : null)
            ?? (_superPackets == 0 ? "the kernel makes no super-packets" : null);
    }

    /// <summary>Mirrors what the host sends, or waits a little for it. False: time is up.</summary>
    private bool Pump(int fd)
    {
        using var epoll = new Epoll();
        epoll.Add(_tun.Fd, 0);
        if (fd >= 0)
        {
            epoll.Add(fd, 1);
        }

        Span<EpollReady> ready = stackalloc EpollReady[2];
        _ = epoll.Wait(ready, BootClock.Nanos() + NanosPerMilli);
        while (_tun.Read(_batch))
        {
            for (var i = 0; i < _batch.Count; i++)
            {
                Mirror(_batch[i]);
            }

            _coalescer.Flush(_tun);
        }

        return BootClock.Nanos() < _deadline;
    }

    private void Mirror(in TunFrame frame)
    {
        _superPackets += frame.Header.IsGso ? 1 : 0;
        if (!Segmenter.Start(frame.Header, frame.Packet, out var segmenter))
        {
            return;
        }

        while (segmenter.TryNext(frame.Packet, out var header, out var payload))
        {
            var packet = _packet.AsSpan(0, header.Length + payload.Length);
            header.CopyTo(packet);
            payload.CopyTo(packet[header.Length..]);
            if (packet[0] >> 4 != 4)
            {
                continue;
            }

            // Source and destination change places; no checksum notices.
            packet.Slice(12, 8).Reverse();
            packet.Slice(12, 4).Reverse();
            packet.Slice(16, 4).Reverse();
            if (_coalescer.Add(packet, segmenter.ChecksumPartial) == CoalesceResult.Full)
            {
                _coalescer.Flush(_tun);
                _ = _coalescer.Add(packet, segmenter.ChecksumPartial);
            }
        }
    }
}
