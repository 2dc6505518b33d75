using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace VibePN.Linux.Tests;

/// <summary>
/// The kernel judges segmenting and coalescing: real TCP and UDP through one TUN whose far side is a mirror. The mirror segments every
/// frame, swaps source and destination (no checksum changes by that) and coalesces the packets back into the TUN, so that the host talks
/// to itself under another address.
/// </summary>
public sealed class TunKernelTests
{
    [Theory]
    [InlineData("10.7.0.1", "10.7.0.2", 24, true, true, true)]
    [InlineData("10.7.0.1", "10.7.0.2", 24, true, true, false)]
    [InlineData("10.7.0.1", "10.7.0.2", 24, true, false, true)]
    [InlineData("10.7.0.1", "10.7.0.2", 24, false, true, true)]
    [InlineData("10.7.0.1", "10.7.0.2", 24, false, false, false)]
    [InlineData("fd07::1", "fd07::2", 64, true, true, true)]
    [InlineData("fd07::1", "fd07::2", 64, true, true, false)]
    [InlineData("fd07::1", "fd07::2", 64, false, true, true)]
    [InlineData("fd07::1", "fd07::2", 64, false, false, false)]
    public void Mirror_RealTcp_CarriesEveryByte(string own, string peer, int prefix, bool offloads, bool coalesce, bool partial) => NetNs.Run(() =>
    {
        const int Bytes = 20_000_000;
        using var tun = TunDevice.Open("vpn-test", new TunOptions { Offloads = offloads });
        using var network = TunDeviceTests.Configure(tun, own, prefix);
        Assert.Equal(offloads, tun.HasOffloads);
        var family = IPAddress.Parse(own).AddressFamily;
        using var listener = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Parse(own), 7000));
        listener.Listen();
        using var client = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
        using var mirror = new Mirror(tun, coalesce, partial);

        // The sockets were made in this thread's namespace; their transfers may run elsewhere.
        client.Connect(new IPEndPoint(IPAddress.Parse(peer), 7000));
        using var server = listener.Accept();
        server.ReceiveTimeout = 20_000;
        var data = Packets.Data(Bytes, seed: 1);
        var sending = new Thread(() =>
        {
            for (var sent = 0; sent < Bytes;)
            {
                sent += client.Send(data, sent, Math.Min(Bytes - sent, 1 << 20), SocketFlags.None);
            }

            client.Shutdown(SocketShutdown.Send);
        });
        sending.Start();
        var received = new byte[Bytes + 1];
        var total = 0;
        while (total <= Bytes && server.Receive(received, total, received.Length - total, SocketFlags.None) is > 0 and var count)
        {
            total += count;
        }

        sending.Join();
        mirror.Stop();

        Assert.Equal(Bytes, total);
        Assert.Equal(SHA256.HashData(data), SHA256.HashData(received.AsSpan(0, total)));
        Assert.Equal(0, mirror.Dropped);
        Assert.Equal(0ul, tun.Counters.WriteInvalid + tun.Counters.WriteTooBig + tun.Counters.WriteFailed);
        Assert.Equal(offloads, mirror.SuperPacketsRead > 50);
        Assert.Equal(coalesce && offloads, mirror.SuperPacketsWritten > 50);
    });

    [Theory]
    [InlineData("10.7.0.1", "10.7.0.2", 24, true)]
    [InlineData("10.7.0.1", "10.7.0.2", 24, false)]
    [InlineData("fd07::1", "fd07::2", 64, true)]
    [InlineData("fd07::1", "fd07::2", 64, false)]
    public void Mirror_UdpRuns_CarryEveryDatagram(string own, string peer, int prefix, bool coalesce) => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions { Offloads = true });
        using var network = TunDeviceTests.Configure(tun, own, prefix);
        Assert.True(tun.HasUdpOffload, "USO needs Linux 6.2");
        using var server = UdpSocket.Bind(new IPEndPoint(IPAddress.Parse(own), 7000), new UdpOptions { Gro = false });
        using var client = UdpSocket.Bind(new IPEndPoint(IPAddress.Parse(own), 7001), new UdpOptions());
        using var send = new UdpSendBatch();
        using var receive = new UdpReceiveBatch();
        using var epoll = new Epoll();
        epoll.Add(server.Fd, 0);
        using var mirror = new Mirror(tun, coalesce, partial: true);
        var target = client.ToRemote(new IPEndPoint(IPAddress.Parse(peer), 7000));
        var sent = new List<string>();
        var received = new List<string>();
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 20; i++)
            {
                var data = Packets.Data(i == 19 ? 77 : 1000, (round * 100) + i);
                data.CopyTo(send.Reserve(data.Length));
                send.Commit(data.Length, target, default, 2);
                sent.Add(Convert.ToHexString(SHA256.HashData(data)));
            }

            Assert.Equal(UdpSendResult.Done, client.Send(send));
            var deadline = BootClock.Nanos() + 5_000_000_000;
            while (received.Count < sent.Count)
            {
                Assert.True(BootClock.Nanos() < deadline, $"round {round}: {received.Count} of {sent.Count} datagrams");
                _ = epoll.Wait(new EpollReady[1], deadline);
                _ = server.Receive(receive);
                for (var i = 0; i < receive.Count; i++)
                {
                    Assert.Equal(2, receive[i].Ecn);
                    received.Add(Convert.ToHexString(SHA256.HashData(receive[i].Bytes)));
                }
            }
        }

        mirror.Stop();
        Assert.Equal(sent, received);
        Assert.Equal(20, mirror.SuperPacketsRead);
        Assert.Equal(coalesce ? 20 : 0, mirror.SuperPacketsWritten);
        Assert.Equal(0ul, tun.Counters.WriteInvalid + tun.Counters.WriteTooBig + tun.Counters.WriteFailed);
    });

    [Fact]
    public void Flush_SuperPacketThatTheKernelRefuses_GoesPacketByPacketAndEndsCoalescing() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions { Offloads = true });
        using var network = TunDeviceTests.Configure(tun, "10.7.0.1", 24);
        using var server = UdpSocket.Bind(IPEndPoint.Parse("10.7.0.1:7000"), new UdpOptions { Gro = false });
        using var receive = new UdpReceiveBatch();
        using var coalescer = new Coalescer(8, tcp: true, udp: true);
        tun.WriteFault = header => header.IsGso ? TunWriteResult.Invalid : null;
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(CoalesceResult.Ok, coalescer.Add(Packets.Udp("10.7.0.2", "10.7.0.1", 5, 7000, Packets.Data(100, i)), checksumPartial: i == 1));
        }

        coalescer.Flush(tun);

        Assert.Equal(0, coalescer.Count);
        Assert.Contains("refused", coalescer.InactiveReason, StringComparison.Ordinal);
        Assert.Equal(3, server.Receive(receive));
        Assert.Equal(Packets.Data(100, 2), receive[2].Bytes.ToArray());
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(CoalesceResult.Ok, coalescer.Add(Packets.Udp("10.7.0.2", "10.7.0.1", 5, 7000, Packets.Data(100, i)), checksumPartial: false));
        }

        Assert.Equal(3, coalescer.Count);
    });

    /// <summary>The far side of the TUN, on a thread of its own.</summary>
    private sealed class Mirror : IDisposable
    {
        private readonly TunDevice _tun;
        private readonly bool _partial;
        private readonly Coalescer _coalescer;
        private readonly WakeEvent _stop = new();
        private readonly Thread _thread;

        public Mirror(TunDevice tun, bool coalesce, bool partial)
        {
            _tun = tun;
            _partial = partial;
            _coalescer = new Coalescer(64, coalesce && tun.HasOffloads, coalesce && tun.HasUdpOffload);
            _thread = new Thread(Run);
            _thread.Start();
        }

        public int SuperPacketsRead { get; private set; }

        public int SuperPacketsWritten { get; private set; }

        public int Dropped { get; private set; }

        public void Stop()
        {
            _stop.Signal();
            _thread.Join();
        }

        public void Dispose()
        {
            Stop();
            _coalescer.Dispose();
            _stop.Dispose();
        }

        private void Run()
        {
            using var epoll = new Epoll();
            epoll.Add(_tun.Fd, 1);
            epoll.Add(_stop.Fd, 0);
            using var batch = new TunBatch();
            var ready = new EpollReady[2];
            var packet = new byte[65_536];
            while (true)
            {
                var count = epoll.Wait(ready, Epoll.Forever);
                while (_tun.Read(batch))
                {
                    for (var i = 0; i < batch.Count; i++)
                    {
                        OnFrame(batch[i], packet);
                    }

                    Flush();
                }

                if (Array.Exists(ready[..count], r => r.Token == 0))
                {
                    return;
                }
            }
        }

        private void OnFrame(TunFrame frame, byte[] packet)
        {
            SuperPacketsRead += frame.Header.IsGso ? 1 : 0;
            if (!Segmenter.Start(frame.Header, frame.Packet, out var segmenter))
            {
                Dropped++;
                return;
            }

            while (segmenter.TryNext(frame.Packet, out var header, out var payload))
            {
                var bytes = header.Length + payload.Length;
                header.CopyTo(packet);
                payload.CopyTo(packet.AsSpan(header.Length));
                Swap(packet.AsSpan(0, bytes));
                var partial = segmenter.ChecksumPartial;
                if (partial && !_partial)
                {
                    var whole = packet[..bytes];
                    Packets.FillTransportChecksum(whole, partial: false);
                    whole.CopyTo(packet, 0);
                    partial = false;
                }

                if (_coalescer.Add(packet.AsSpan(0, bytes), partial) == CoalesceResult.Full)
                {
                    Flush();
                    Dropped += _coalescer.Add(packet.AsSpan(0, bytes), partial) == CoalesceResult.Ok ? 0 : 1;
                }
            }
        }

        private void Flush()
        {
            for (var i = 0; i < _coalescer.Count; i++)
            {
                SuperPacketsWritten += _coalescer[i].Header.IsGso ? 1 : 0;
            }

            _coalescer.Flush(_tun);
        }

        private static void Swap(Span<byte> packet)
        {
            var (offset, length) = packet[0] >> 4 == 4 ? (12, 4) : (8, 16);
            var source = packet.Slice(offset, length).ToArray();
            packet.Slice(offset + length, length).CopyTo(packet[offset..]);
            source.CopyTo(packet[(offset + length)..]);
        }
    }
}
