using System.Net;
using System.Net.Sockets;
using VibePN.Linux.Native;

namespace VibePN.Linux.Tests;

/// <summary>Against the kernel, in namespaces of their own.</summary>
public sealed class TunDeviceTests
{
    [Theory]
    [InlineData("10.7.0.1", "10.7.0.2", 24)]
    [InlineData("fd07::1", "fd07::2", 64)]
    public void ReadAndWrite_PacketsOfTheHost_PassBothWays(string own, string peer, int prefix) => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = Configure(tun, own, prefix);
        using var batch = new TunBatch();
        var family = own.Contains(':', StringComparison.Ordinal) ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        using var socket = new Socket(family, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5000 };
        socket.Bind(new IPEndPoint(IPAddress.Parse(own), 1000));

        for (var i = 0; i < 20; i++)
        {
            _ = socket.SendTo(Packets.Data(500 + i, i), new IPEndPoint(IPAddress.Parse(peer), 2000));
        }

        // More frames than one batch holds.
        var packets = ReadAll(tun, batch, 20);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(Packets.Udp(own, peer, 1000, 2000, Packets.Data(500 + i, i))[^(500 + i)..], packets[i][^(500 + i)..]);
            Assert.Equal(0xffff, Packets.TransportSum(packets[i]));
        }

        Assert.Equal(TunWriteResult.Ok, tun.Write(default, Packets.Udp(peer, own, 2000, 1000, [1, 2, 3])));
        var received = new byte[10];
        Assert.Equal(3, socket.Receive(received));
        Assert.Equal(TunWriteResult.Ok, tun.Write(default, Packets.IcmpEcho(peer, own, family == AddressFamily.InterNetwork ? (byte)8 : (byte)128, [9, 9])));
        var reply = Assert.Single(ReadAll(tun, batch, 1));
        Assert.Equal(family == AddressFamily.InterNetwork ? 0 : 129, reply[family == AddressFamily.InterNetwork ? 20 : 40]);
        Assert.Equal(21ul, tun.Counters.ReadFrames);
        Assert.Equal(2ul, tun.Counters.WrittenFrames);
    });

    [Fact]
    public void Write_PacketTooBigAnswer_IsBelievedByTheHost() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var network = Configure(tun, "10.7.0.1", 24);
        using var batch = new TunBatch();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { DontFragment = true };
        socket.Connect(IPEndPoint.Parse("10.7.0.2:2000"));
        _ = socket.Send(new byte[1300]);
        var packet = Assert.Single(ReadAll(tun, batch, 1));
        var answer = new byte[IcmpError.MaxBytes];
        var length = IcmpError.PacketTooBig(packet, IPAddress.Parse("10.7.0.2").GetAddressBytes(), 1000, answer);

        Assert.Equal(TunWriteResult.Ok, tun.Write(default, answer.AsSpan(0, length)));

        // One call reports the pending error that the answer caused; apart from that the host knows the limit now.
        _ = Record.Exception(() => socket.Send(new byte[1300]));
        _ = Record.Exception(() => socket.Send(new byte[900]));
        Assert.Equal(972, socket.Send(new byte[972]));
        var error = Assert.Throws<SocketException>(() => socket.Send(new byte[973]));
        Assert.Equal(SocketError.MessageSize, error.SocketErrorCode);
    });

    [Fact]
    public void Write_WhatTheKernelRefuses_IsAnEnumValue() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        var packet = Packets.Udp("10.7.0.2", "10.7.0.1", 1, 2, [1]);
        Assert.Equal(TunWriteResult.Down, tun.Write(default, packet));

        using var network = Configure(tun, "10.7.0.1", 24);
        Assert.Equal(TunWriteResult.Invalid, tun.Write(default, []));
        Assert.Equal(TunWriteResult.Invalid, tun.Write(default, [0x00, 1, 2]));
        Assert.Equal(TunWriteResult.Invalid, tun.Write(new VirtioNetHeader(0, (VirtioGsoType)99, 0, 0, 0, 0), packet));
        Assert.NotEqual(TunWriteResult.Ok, tun.Write(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, 0, 0, 0, 60_000, 16), packet));
        Assert.Equal(TunWriteResult.Ok, tun.Write(default, packet));
        Assert.False(tun.IsGone);
    });

    [Fact]
    public void Read_InterfaceDeleted_SaysGone() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        using var batch = new TunBatch();
        Assert.False(tun.Read(batch));
        Assert.False(tun.IsGone);

        using var netlink = new NetlinkSocket();
        const ushort DeleteLink = 17;
        var request = NetlinkRequest.Create(DeleteLink, NetlinkConstants.NLM_F_ACK, new Ifinfomsg { ifi_index = tun.InterfaceIndex });
        Assert.Equal(0, netlink.Change(request).Errno);

        Assert.False(tun.Read(batch));
        Assert.True(tun.IsGone);
        Assert.Equal(TunWriteResult.Down, tun.Write(default, Packets.Udp("10.7.0.2", "10.7.0.1", 1, 2, [1])));
    });

    [Fact]
    public void Open_Twice_SaysNameInUse() => NetNs.Run(() =>
    {
        using var first = TunDevice.Open("vpn-test", new TunOptions());
        foreach (var name in new[] { "vpn-test", "lo" })
        {
            var error = Assert.Throws<LinuxException>(() => TunDevice.Open(name, new TunOptions()));
            Assert.Contains($"create TUN interface {name}", error.Message, StringComparison.Ordinal);
            Assert.Contains("the name is in use", error.Message, StringComparison.Ordinal);
        }

        first.Dispose();
        using var again = TunDevice.Open("vpn-test", new TunOptions());
        Assert.Equal(HostNetwork.InterfaceIndex("vpn-test"), again.InterfaceIndex);
    });

    [Fact]
    public void Open_WithoutCapability_SaysWhichAndHow() => NetNs.RunWithoutCapabilities(() =>
    {
        var error = Assert.Throws<LinuxException>(() => TunDevice.Open("vpn-test", new TunOptions()));
        Assert.Equal(Errno.EPERM, error.ErrorNumber);
        Assert.Contains("CAP_NET_ADMIN: run as root", error.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Open_DriverMissing_SaysModprobe()
    {
        var error = TunDevice.OpenFailure("vpn0", Errno.ENOENT);
        Assert.Equal(
            "open /dev/net/tun for interface vpn0: No such file or directory (ENOENT): load the tun module: modprobe tun; "
            + "in a container pass --device /dev/net/tun --cap-add NET_ADMIN",
            error.Message);
        Assert.Contains("run as root", TunDevice.OpenFailure("vpn0", Errno.EACCES).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("vpn%d")]
    [InlineData("..")]
    [InlineData("sixteen-bytes-xx")]
    public void Open_InvalidName_IsAnArgumentException(string name) =>
        Assert.ThrowsAny<ArgumentException>(() => TunDevice.Open(name, new TunOptions()));

    internal static HostNetwork Configure(TunDevice tun, string address, int prefix, int mtu = 1420)
    {
        var network = new HostNetwork();
        var own = IPAddress.Parse(address);
        network.Apply(new HostState([new LinkState(tun.InterfaceIndex, tun.Name, mtu, Up: true, [new(own, prefix)], [])]));
        if (own.AddressFamily == AddressFamily.InterNetworkV6)
        {
            WaitForLocalRoute(own);
        }

        return network;
    }

    /// <summary>Linux makes the local route of an IPv6 address a little later, in a work queue; until then it takes no packets.</summary>
    private static void WaitForLocalRoute(IPAddress address)
    {
        using var epoll = new Epoll();
        var line = $"{Convert.ToHexStringLower(address.GetAddressBytes())} 80 ";
        var deadline = BootClock.Nanos() + 10_000_000_000;
        while (!File.ReadAllText("/proc/thread-self/net/ipv6_route").Contains(line, StringComparison.Ordinal))
        {
            Assert.True(BootClock.Nanos() < deadline, $"no local route to {address}");
            _ = epoll.Wait(new EpollReady[1], BootClock.Nanos() + 1_000_000);
        }
    }

    private static List<byte[]> ReadAll(TunDevice tun, TunBatch batch, int wanted)
    {
        using var epoll = new Epoll();
        epoll.Add(tun.Fd, 0);
        var packets = new List<byte[]>();
        var deadline = BootClock.Nanos() + 5_000_000_000;
        while (packets.Count < wanted && BootClock.Nanos() < deadline)
        {
            _ = epoll.Wait(new EpollReady[1], deadline);
            _ = tun.Read(batch);
            for (var i = 0; i < batch.Count; i++)
            {
                packets.Add(batch[i].Packet.ToArray());
            }
        }

        Assert.Equal(wanted, packets.Count);
        Assert.False(tun.Read(batch));
        return packets;
    }
}
