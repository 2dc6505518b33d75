using System.Net;
using VibePN.Linux.Native;

namespace VibePN.Linux.Tests;

/// <summary>Against the kernel, on the loopback of a namespace of their own.</summary>
public sealed class UdpSocketTests
{
    [Theory]
    [InlineData("127.0.0.1:0", "127.0.0.1:0", true, true)]
    [InlineData("[::1]:0", "[::1]:0", true, true)]
    [InlineData("[::]:0", "127.0.0.1:0", true, true)]
    [InlineData("[::]:0", "[::1]:0", true, true)]
    [InlineData("127.0.0.1:0", "127.0.0.1:0", false, false)]
    [InlineData("[::]:0", "127.0.0.1:0", false, true)]
    [InlineData("[::]:0", "[::1]:0", true, false)]
    public void SendAndReceive_EveryFamily_CarriesBytesAddressesAndEcn(string listen, string dialer, bool gso, bool gro) => NetNs.Run(() =>
    {
        var options = new UdpOptions { Gso = gso, Gro = gro };
        using var server = UdpSocket.Bind(IPEndPoint.Parse(listen), options);
        using var client = UdpSocket.Bind(IPEndPoint.Parse(dialer), options);
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        var target = new IPEndPoint(client.LocalEndPoint.Address, server.LocalEndPoint.Port);
        Assert.Equal(gso, client.IsGsoActive);
        Assert.Equal(gro, server.IsGroActive);

        Fill(send, client.ToRemote(target), default, ecn: 2, [1200, 1200, 1200, 1200, 300]);
        Fill(send, client.ToRemote(target), default, ecn: 1, [500]);
        Assert.Equal(UdpSendResult.Done, client.Send(send));
        Assert.Equal(0, send.Count);

        var arrived = ReceiveAll(server, receive, 6);
        Assert.Equal([1200, 1200, 1200, 1200, 300, 500], arrived.Select(d => d.Bytes.Length));
        Assert.Equal([2, 2, 2, 2, 2, 1], arrived.Select(d => (int)d.Ecn));
        Assert.All(arrived, (d, i) => Assert.Equal(Pattern(d.Bytes.Length, i < 5 ? i : 0), d.Bytes));
        Assert.All(arrived, d => Assert.Equal(client.LocalEndPoint, d.Remote.ToIPEndPoint()));
        Assert.All(arrived, d => Assert.Equal(target, d.Local.ToIPEndPoint()));
        Assert.All(arrived, d => Assert.Equal(server.IsDualStack ? 28 : client.ToRemote(target).Bytes.Length, d.Remote.Bytes.Length));
        Assert.All(arrived, d => Assert.Equal(d.Remote.Bytes.Length, d.Local.Bytes.Length));
        Assert.Equal(gso ? 2ul : 6ul, client.Counters.SentMessages);
        Assert.Equal(gro && gso ? 2ul : 6ul, server.Counters.ReceivedMessages);
        Assert.Equal(6ul, server.Counters.Received);

        // And back, from the address at which it arrived.
        Fill(send, arrived[0].Remote, arrived[0].Local, ecn: 3, [99]);
        Assert.Equal(UdpSendResult.Done, server.Send(send));
        var answer = Assert.Single(ReceiveAll(client, receive, 1));
        Assert.Equal(target, answer.Remote.ToIPEndPoint());
        Assert.Equal(3, answer.Ecn);
        Assert.Equal(0ul, client.Counters.LostOther + client.Counters.LostTooBig + client.Counters.LostUnreachable);
    });

    [Theory]
    [InlineData("[::]:0", "127.0.0.1", "127.0.0.9")]
    [InlineData("0.0.0.0:0", "127.0.0.1", "127.0.0.9")]
    [InlineData("[::]:0", "::1", "fd00::9")]
    public void Send_LocalAddressGiven_IsTheSource(string listen, string remote, string local) => NetNs.Run(() =>
    {
        AddToLoopback(local);
        using var socket = UdpSocket.Bind(IPEndPoint.Parse(listen), new UdpOptions());
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        var target = socket.ToRemote(new IPEndPoint(IPAddress.Parse(remote), socket.LocalEndPoint.Port));
        var source = socket.ToRemote(new IPEndPoint(IPAddress.Parse(local), 1));

        Fill(send, target, source, ecn: 0, [10]);
        Fill(send, source, default, ecn: 0, [11]);
        _ = socket.Send(send);

        // The second went to our own port 1, where nobody listens.
        var arrived = Assert.Single(ReceiveAll(socket, receive, 1));
        Assert.Equal(IPAddress.Parse(local), arrived.Remote.ToIPEndPoint().Address);
        Assert.Equal(IPAddress.Parse(remote), arrived.Local.ToIPEndPoint().Address);
    });

    [Fact]
    public void Send_LargerThanTheInterface_IsCountedAsTooBigAndTheRestGoes() => NetNs.Run(() =>
    {
        SetLoopbackMtu(1500);
        using var socket = UdpSocket.Bind(IPEndPoint.Parse("[::]:0"), new UdpOptions());
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        var v4 = socket.ToRemote(new IPEndPoint(IPAddress.Loopback, socket.LocalEndPoint.Port));
        var v6 = socket.ToRemote(new IPEndPoint(IPAddress.IPv6Loopback, socket.LocalEndPoint.Port));

        Fill(send, v4, default, 0, [1473, 1472]);
        Fill(send, v6, default, 0, [1453, 1453, 1453, 1452]);
        Assert.Equal(UdpSendResult.Done, socket.Send(send));

        var arrived = ReceiveAll(socket, receive, 2);
        Assert.Equal([1472, 1452], arrived.Select(d => d.Bytes.Length));
        Assert.Equal(4ul, socket.Counters.LostTooBig);
        Assert.True(socket.IsGsoActive, socket.GsoInactiveReason);
    });

    [Fact]
    public void Send_NoRoute_IsCountedNotThrown() => NetNs.Run(() =>
    {
        using var socket = UdpSocket.Bind(IPEndPoint.Parse("[::]:0"), new UdpOptions());
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        Fill(send, socket.ToRemote(IPEndPoint.Parse("192.0.2.1:9")), default, 0, [10, 10, 10]);
        Fill(send, socket.ToRemote(IPEndPoint.Parse("[2001:db8::1]:9")), default, 0, [10]);
        Fill(send, socket.ToRemote(IPEndPoint.Parse("127.0.0.1:9")), default, 0, [10]);
        Fill(send, socket.ToRemote(IPEndPoint.Parse("127.0.0.1:9")), socket.ToRemote(IPEndPoint.Parse("192.0.2.77:1")), 0, [10, 10]);

        Assert.Equal(UdpSendResult.Done, socket.Send(send));

        Assert.Equal(6ul, socket.Counters.LostUnreachable + socket.Counters.LostOther);
        Assert.Equal(1ul, socket.Counters.Sent);
        Assert.True(socket.IsGsoActive, socket.GsoInactiveReason);
        Assert.Equal(0, socket.Receive(receive));
    });

    [Theory]
    [InlineData(Errno.EIO)]
    [InlineData(Errno.EINVAL)]
    [InlineData(Errno.EMSGSIZE)]
    public void Send_GsoFailsButSinglesPass_SwitchesGsoOffAndLosesNothing(int errno) => NetNs.Run(() =>
    {
        using var socket = UdpSocket.Bind(IPEndPoint.Parse("127.0.0.1:0"), new UdpOptions());
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        socket.SendFault = datagrams => datagrams > 1 ? errno : 0;

        Fill(send, socket.ToRemote(socket.LocalEndPoint), default, 0, [900, 900, 900, 20]);
        Assert.Equal(UdpSendResult.Done, socket.Send(send));

        Assert.Equal([900, 900, 900, 20], ReceiveAll(socket, receive, 4).Select(d => d.Bytes.Length));
        Assert.False(socket.IsGsoActive);
        Assert.Contains("UDP_SEGMENT", socket.GsoInactiveReason, StringComparison.Ordinal);

        socket.SendFault = null;
        Fill(send, socket.ToRemote(socket.LocalEndPoint), default, 0, [900, 900]);
        Assert.Equal(UdpSendResult.Done, socket.Send(send));
        Assert.Equal(6ul, socket.Counters.SentMessages);
        Assert.Equal(2, ReceiveAll(socket, receive, 2).Count);
    });

    [Fact]
    public void Send_SocketFull_KeepsTheRestForTheNextCall() => NetNs.Run(() =>
    {
        using var socket = UdpSocket.Bind(IPEndPoint.Parse("127.0.0.1:0"), new UdpOptions());
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        var calls = 0;
        socket.SendFault = _ => ++calls == 2 ? Errno.EAGAIN : 0;
        Fill(send, socket.ToRemote(socket.LocalEndPoint), default, 0, [900, 20]);
        Fill(send, socket.ToRemote(socket.LocalEndPoint), default, 1, [800]);

        Assert.Equal(UdpSendResult.WouldBlock, socket.Send(send));
        Assert.Equal(1, send.Count);
        Fill(send, socket.ToRemote(socket.LocalEndPoint), default, 1, [700]);
        Assert.Equal(UdpSendResult.Done, socket.Send(send));

        Assert.Equal([900, 20, 800, 700], ReceiveAll(socket, receive, 4).Select(d => d.Bytes.Length));
    });

    [Fact]
    public void Receive_EmptyDatagram_IsDroppedAndCounted() => NetNs.Run(() =>
    {
        using var socket = UdpSocket.Bind(IPEndPoint.Parse("127.0.0.1:0"), new UdpOptions());
        using var receive = new UdpReceiveBatch();
        using var other = new System.Net.Sockets.UdpClient(0, System.Net.Sockets.AddressFamily.InterNetwork);
        _ = other.Send([], 0, socket.LocalEndPoint);
        _ = other.Send([5], 1, socket.LocalEndPoint);

        Assert.Equal([5], Assert.Single(ReceiveAll(socket, receive, 1)).Bytes);
        Assert.Equal(1ul, socket.Counters.ReceiveInvalid);
    });

    [Fact]
    public void Bind_DualStackWithIPv6SwitchedOff_StillServesIPv4() => NetNs.Run(() =>
    {
        File.WriteAllText("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        using var socket = UdpSocket.Bind(IPEndPoint.Parse("[::]:0"), new UdpOptions());
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        Fill(send, socket.ToRemote(new IPEndPoint(IPAddress.Loopback, socket.LocalEndPoint.Port)), default, 1, [10]);

        Assert.Equal(UdpSendResult.Done, socket.Send(send));

        Assert.Equal(1, Assert.Single(ReceiveAll(socket, receive, 1)).Ecn);
    });

    [Fact]
    public void SelfTest_GoodKernel_PassesAndKnownBadOnesAreRefused() => NetNs.Run(() =>
    {
        Assert.Null(UdpGsoSelfTest.Run());
        Assert.Null(UdpGsoSelfTest.Refusal(new Version(6, 18, 44)));
        Assert.Null(UdpGsoSelfTest.Refusal(new Version(7, 1, 5)));
        Assert.Contains("corrupts", UdpGsoSelfTest.Refusal(new Version(7, 0, 0)), StringComparison.Ordinal);
        Assert.Contains("corrupts", UdpGsoSelfTest.Refusal(new Version(7, 1, 4)), StringComparison.Ordinal);
    });

    [Fact]
    public void SelfTest_NoLoopback_IsInconclusive() => NetNs.Run(() => Assert.Null(UdpGsoSelfTest.Run()), isLoopbackUp: false);

    [Fact]
    public void Bind_ThousandTimes_LeaksNoDescriptor() => NetNs.Run(() =>
    {
        using var occupied = UdpSocket.Bind(IPEndPoint.Parse("[::]:0"), new UdpOptions());
        using var first = UdpSocket.Bind(IPEndPoint.Parse("[::]:0"), new UdpOptions { SelfTest = false });
        var last = 0;
        for (var i = 0; i < 1000; i++)
        {
            using var socket = UdpSocket.Bind(IPEndPoint.Parse("[::]:0"), new UdpOptions { SelfTest = false });
            Assert.Throws<LinuxException>(() => UdpSocket.Bind(new IPEndPoint(IPAddress.IPv6Any, occupied.LocalEndPoint.Port), new UdpOptions()));
            last = socket.Fd;
        }

        // Descriptors are given out lowest first: a leak would have driven the numbers up.
        Assert.InRange(last, 0, first.Fd + 500);
    });

    [Fact]
    public void Bind_PortInUse_SaysSo() => NetNs.Run(() =>
    {
        using var first = UdpSocket.Bind(IPEndPoint.Parse("[::]:0"), new UdpOptions());
        var error = Assert.Throws<LinuxException>(() => UdpSocket.Bind(new IPEndPoint(IPAddress.IPv6Any, first.LocalEndPoint.Port), new UdpOptions()));
        Assert.Equal(Errno.EADDRINUSE, error.ErrorNumber);
        Assert.Contains("another program uses this port", error.Message, StringComparison.Ordinal);
        Assert.Contains("EADDRINUSE", error.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Bind_AddressOfNobody_SaysSo() => NetNs.Run(() =>
    {
        var error = Assert.Throws<LinuxException>(() => UdpSocket.Bind(IPEndPoint.Parse("192.0.2.1:5"), new UdpOptions()));
        Assert.Contains("does not have that address", error.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Commit_MoreThanReserved_IsRefused()
    {
        using var send = new UdpSendBatch();
        _ = send.Reserve(100);
        Assert.Throws<ArgumentOutOfRangeException>(() => send.Commit(101, default, default, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => send.Reserve(65_508));
    }

    [Fact]
    public void Reserve_FullBatch_IsEmpty()
    {
        using var send = new UdpSendBatch(datagrams: 3, bytes: 70_000);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(10, send.Reserve(10).Length);
            send.Commit(10, default, default, 0);
        }

        Assert.True(send.IsFull);
        Assert.True(send.Reserve(10).IsEmpty);
        send.Clear();
        Assert.Equal(65_507, send.Reserve(65_507).Length);
        send.Commit(65_507, default, default, 0);
        Assert.True(send.IsFull);
        Assert.True(send.Reserve(5000).IsEmpty);
        Assert.Equal(4000, send.Reserve(4000).Length);
    }

    [Fact]
    public void SendAndReceive_SteadyState_AllocateNothing() => NetNs.Run(() =>
    {
        using var socket = UdpSocket.Bind(IPEndPoint.Parse("[::]:0"), new UdpOptions());
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        var target = socket.ToRemote(new IPEndPoint(IPAddress.Loopback, socket.LocalEndPoint.Port));
        var bytes = 0L;
        for (var round = 0; round < 200; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 8; i++)
            {
                send.Reserve(1452)[0] = (byte)i;
                send.Commit(1452, target, default, 2);
            }

            _ = socket.Send(send);
            while (socket.Receive(receive) > 0)
            {
                for (var i = 0; i < receive.Count; i++)
                {
                    bytes += receive[i].Bytes.Length;
                }
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(round < 100 || allocated == 0, $"round {round}: {allocated} bytes");
        }

        Assert.Equal(200 * 8 * 1452, bytes);
    });

    private static void Fill(UdpSendBatch batch, in SockAddr remote, in SockAddr local, byte ecn, int[] sizes)
    {
        for (var i = 0; i < sizes.Length; i++)
        {
            Pattern(sizes[i], i).CopyTo(batch.Reserve(sizes[i]));
            batch.Commit(sizes[i], remote, local, ecn);
        }
    }

    private static byte[] Pattern(int bytes, int number) => [.. Enumerable.Range(0, bytes).Select(i => (byte)(i + (number * 31)))];

    private static List<Arrived> ReceiveAll(UdpSocket socket, UdpReceiveBatch batch, int wanted)
    {
        using var epoll = new Epoll();
        epoll.Add(socket.Fd, 0);
        var arrived = new List<Arrived>();
        var deadline = BootClock.Nanos() + 5_000_000_000;
        while (arrived.Count < wanted && BootClock.Nanos() < deadline)
        {
            _ = epoll.Wait(new EpollReady[1], deadline);
            _ = socket.Receive(batch);
            for (var i = 0; i < batch.Count; i++)
            {
                var datagram = batch[i];
                for (var at = 0; at < datagram.Bytes.Length; at += datagram.SegmentBytes)
                {
                    var length = Math.Min(datagram.SegmentBytes, datagram.Bytes.Length - at);
                    arrived.Add(new Arrived(datagram.Bytes.Slice(at, length).ToArray(), datagram.Remote, datagram.Local, datagram.Ecn));
                }
            }
        }

        Assert.Equal(wanted, arrived.Count);
        Assert.Equal(0, socket.Receive(batch));
        return arrived;
    }

    private static void AddToLoopback(string address)
    {
        if (address.StartsWith("127.", StringComparison.Ordinal))
        {
            return;
        }

        using var network = new HostNetwork();
        network.Apply(new HostState([new LinkState(1, "lo", 65536, Up: true, [new(IPAddress.Loopback, 8), new(IPAddress.IPv6Loopback, 128), new(IPAddress.Parse(address), 128)], [])]));
    }

    private static void SetLoopbackMtu(int mtu)
    {
        using var network = new HostNetwork();
        network.Apply(new HostState([new LinkState(1, "lo", mtu, Up: true, [new(IPAddress.Loopback, 8), new(IPAddress.IPv6Loopback, 128)], [])]));
    }

    private sealed record Arrived(byte[] Bytes, SockAddr Remote, SockAddr Local, byte Ecn);
}
