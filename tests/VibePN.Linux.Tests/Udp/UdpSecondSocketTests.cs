using System.Net;
using VibePN.Linux.Native;

namespace VibePN.Linux.Tests;

/// <summary>One socket takes over from another: both are open for a while, and a batch may hold datagrams of both.</summary>
public sealed class UdpSecondSocketTests
{
    [Theory]
    [InlineData("[::]", "0.0.0.0", true)]
    [InlineData("[::]", "127.0.0.1", true)]
    [InlineData("[::]", "[::1]", false)]
    [InlineData("127.0.0.1", "[::]", false)]
    [InlineData("0.0.0.0", "127.0.0.1", true)]
    public void Port_OfTheFirst_IsSharedByTheSecondAndByNobodyElse(string first, string second, bool takesIPv4) => NetNs.Run(() =>
    {
        var options = new UdpOptions { SelfTest = false };
        using var one = UdpSocket.Bind(IPEndPoint.Parse(first + ":7100"), options);
        var listen = IPEndPoint.Parse(second + ":7100");
        Assert.Equal(Errno.EADDRINUSE, Assert.Throws<LinuxException>(() => UdpSocket.Bind(listen, options)).ErrorNumber);

        using var two = one.BindBeside(listen, options);

        // The more precise address has what arrives.
        Assert.Equal(listen, two.LocalEndPoint);
        using var client = UdpSocket.Bind(IPEndPoint.Parse("127.0.0.1:0"), options);
        Send(client, client.ToRemote(IPEndPoint.Parse("127.0.0.1:7100")), 10);
        Assert.Equal(takesIPv4, Arrives(two));
        Assert.Equal(!takesIPv4, Arrives(one));
        Assert.Equal(Errno.EADDRINUSE, Assert.Throws<LinuxException>(() => UdpSocket.Bind(listen, options)).ErrorNumber);

        // What is left when the first goes has everything.
        one.Dispose();
        Send(client, client.ToRemote(IPEndPoint.Parse("127.0.0.1:7100")), 11);
        Assert.Equal(second != "[::1]", Arrives(two));
        Assert.Equal(Errno.EADDRINUSE, Assert.Throws<LinuxException>(() => UdpSocket.Bind(listen, options)).ErrorNumber);
    });

    [Fact]
    public void Send_OfAPart_LeavesTheRestForAnotherSocket() => NetNs.Run(() =>
    {
        using var one = UdpSocket.Bind(IPEndPoint.Parse("[::]:7101"), new UdpOptions());
        using var two = UdpSocket.Bind(IPEndPoint.Parse("127.0.0.1:7102"), new UdpOptions());
        using var target = UdpSocket.Bind(IPEndPoint.Parse("127.0.0.1:0"), new UdpOptions { Gro = false });
        using var batch = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        for (var i = 0; i < 5; i++)
        {
            var from = i < 3 ? one : two;
            batch.Reserve(100).Fill((byte)i);
            batch.Commit(100, from.ToRemote(target.LocalEndPoint), from.ToRemote(new IPEndPoint(IPAddress.Loopback, from.LocalEndPoint.Port)), 0);
        }

        Assert.Equal([true, true, true, false, false], Enumerable.Range(0, 5).Select(i => one.Owns(batch[i].Local)));
        Assert.Equal([false, false, false, true, true], Enumerable.Range(0, 5).Select(i => two.Owns(batch[i].Local)));
        Assert.False(one.Owns(default));
        Assert.Equal(UdpSendResult.Done, one.Send(batch, 3));
        Assert.Equal(2, batch.Count);
        Assert.Equal(3, batch[0].Bytes[0]);
        Assert.Equal(UdpSendResult.Done, two.Send(batch, 2));
        Assert.Equal(0, batch.Count);

        List<(byte Number, int Port)> arrived = [];
        while (arrived.Count < 5 && Waits(target))
        {
            _ = target.Receive(receive);
            for (var i = 0; i < receive.Count; i++)
            {
                arrived.Add((receive[i].Bytes[0], receive[i].Remote.Port));
            }
        }

        Assert.Equal([(0, 7101), (1, 7101), (2, 7101), (3, 7102), (4, 7102)], arrived);
    });

    private static void Send(UdpSocket socket, in SockAddr to, int bytes)
    {
        using var batch = new UdpSendBatch();
        batch.Reserve(bytes).Clear();
        batch.Commit(bytes, to, default, 0);
        Assert.Equal(UdpSendResult.Done, socket.Send(batch));
    }

    /// <summary>Over loopback it is there when the sender returns.</summary>
    private static bool Arrives(UdpSocket socket)
    {
        using var receive = new UdpReceiveBatch();
        return socket.Receive(receive) > 0;
    }

    private static bool Waits(UdpSocket socket)
    {
        using var epoll = new Epoll();
        epoll.Add(socket.Fd, 0);
        return epoll.Wait(new EpollReady[1], BootClock.Nanos() + 5_000_000_000) > 0;
    }
}
