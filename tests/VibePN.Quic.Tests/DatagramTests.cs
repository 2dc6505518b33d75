using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

public sealed class DatagramTests
{
    private readonly byte[] _packet = GC.AllocateArray<byte>(16_384, pinned: true);
    private readonly byte[] _other = GC.AllocateArray<byte>(16_384, pinned: true);

    [Fact]
    public void WriteDatagram_HeaderAndPayload_ArriveAsOne()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        Assert.Equal(DatagramWrite.Written, dialer.WriteDatagram([1, 2], [3, 4, 5], _packet, more: false, out var written, pair.Net.Now));
        pair.Net.Send(_packet[..written.Bytes], pair.Alice.Address, pair.Bob.Address);
        Assert.Equal(pair.Bob.Address, written.Path.Remote);
        Assert.Equal(DatagramWrite.Written, pair.Bob.SendDatagram(acceptor, [9]));
        pair.Net.Run(TimeSpan.FromMilliseconds(50));
        Assert.Equal(DatagramWrite.Written, pair.Bob.SendDatagram(acceptor, []));
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([1, 2, 3, 4, 5], Assert.Single(pair.Bob.Handler.Datagrams));
        Assert.Equal<byte[]>([[9], []], pair.Alice.Handler.Datagrams);
        Assert.Equal(1UL, dialer.GetStats().DatagramsAcked);
    }

    [Fact]
    public void WriteDatagram_LargerThanPacket_TooLargeNotBlocked()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(1_472 - 31, dialer.MaxDatagramBytes);
        var payload = new byte[dialer.MaxDatagramBytes + 1];
        Assert.Equal(DatagramWrite.TooLarge, dialer.WriteDatagram(default, payload, _packet, more: false, out var written, pair.Net.Now));
        Assert.Equal(DatagramWrite.TooLarge, dialer.WriteDatagram(payload.AsSpan(..4), payload.AsSpan(4..), _packet, more: false, out written, pair.Net.Now));
        Assert.Equal(0, written.Bytes);
        Assert.Equal(DatagramWrite.Written, pair.Alice.SendDatagram(dialer, payload.AsSpan(1)));
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(payload.Length - 1, Assert.Single(pair.Bob.Handler.Datagrams).Length);
    }

    [Fact]
    public void WriteDatagram_EverySizeUpToTheLimit_FitsTheBuffer()
    {
        using var pair = new SimPair(link: new LinkSettings { MaxUdpPayloadBytes = 1_252, DelayNanos = 100_000 });
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(20));
        for (var size = 0; size <= dialer.MaxDatagramBytes; size++)
        {
            Assert.Equal(DatagramWrite.Written, pair.Alice.SendDatagram(dialer, new byte[size]));
            pair.Net.Run(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(dialer.MaxDatagramBytes + 1, pair.Bob.Handler.Datagrams.Count);
    }

    [Fact]
    public void WriteDatagram_WindowFull_BlockedUntilAcknowledged()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var payload = new byte[1_000];
        var sent = 0;
        while (dialer.WriteDatagram(default, payload, _packet, more: false, out _, pair.Net.Now) == DatagramWrite.Written)
        {
            // Into the void; one burst, so pacing does not step in before the window does.
            sent++;
            Assert.True(sent < 10_000, "never blocked");
        }

        Assert.Equal(DatagramWrite.Blocked, pair.Alice.SendDatagram(dialer, payload));
        Assert.True(sent > 3, $"{sent} sent");
        Assert.True(pair.Net.RunUntil(() => pair.Alice.SendDatagram(dialer, payload) == DatagramWrite.Written, SimPair.Patience));
    }

    [Fact]
    public void WriteDatagram_BeforeHandshake_BlockedNotTooLarge()
    {
        using var pair = new SimPair();
        var dialer = pair.Alice.Dial(pair.Bob);
        Assert.Equal(0, dialer.MaxDatagramBytes);
        Assert.Equal(DatagramWrite.Blocked, dialer.WriteDatagram(default, [1], _packet, more: false, out _, pair.Net.Now));
    }

    [Fact]
    public void WriteDatagram_ProbeDue_PacketOnlyThenWritten()
    {
        using var pair = new SimPair();
        var dialer = pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => dialer.IsHandshakeCompleted, SimPair.Patience));

        // From now on the test is Alice's loop: it lets a datagram go before anything else that is due, such as the next probe.
        var toAlice = new Queue<byte[]>();
        pair.Net.Link(pair.Bob.Address, pair.Alice.Address).Swallow = packet =>
        {
            toAlice.Enqueue(packet);
            return true;
        };
        int accepted = 0, packetOnly = 0;
        for (var i = 0; i < 200; i++)
        {
            pair.Net.Run(TimeSpan.FromMilliseconds(20));
            while (toAlice.TryDequeue(out var packet))
            {
                pair.Alice.Endpoint.Receive(dialer.Path, 0, packet, pair.Net.Now);
            }

            var result = dialer.WriteDatagram(default, [7], _packet, more: false, out var written, pair.Net.Now);
            accepted += result == DatagramWrite.Written ? 1 : 0;
            packetOnly += result == DatagramWrite.PacketOnly ? 1 : 0;
            Assert.Equal(result is DatagramWrite.Written or DatagramWrite.PacketOnly, written.Bytes > 0);
            if (written.Bytes > 0)
            {
                pair.Net.Send(_packet[..written.Bytes], pair.Alice.Address, pair.Bob.Address);
            }
        }

        pair.Net.Run(TimeSpan.FromSeconds(1));

        // A packet without the datagram must not count as delivery: each accepted one arrives once, the refused ones not at all.
        Assert.True(packetOnly > 0, "no packet without the datagram");
        Assert.Equal(accepted, pair.Bob.Handler.Datagrams.Count);
    }

    [Fact]
    public void WriteDatagram_More_SeveralShareOnePacket()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var now = pair.Net.Now;
        pair.Alice.Flush();
        Assert.Equal(DatagramWrite.Open, Write(dialer, 1, now, out _));
        Assert.Equal(DatagramWrite.Open, Write(dialer, 2, now, out _));
        Assert.Equal(DatagramWrite.Open, Write(dialer, 3, now, out _));
        var packet = dialer.FinishPacket(_packet, now);
        Assert.InRange(packet.Bytes, 300, 400);
        dialer.EndBurst(now);
        pair.Net.Send(_packet[..packet.Bytes], pair.Alice.Address, pair.Bob.Address);
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([1, 2, 3], pair.Bob.Handler.Datagrams.Select(d => (int)d[0]));
    }

    [Fact]
    public void WriteDatagram_MoreUntilFull_PacketClosesItself()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var now = pair.Net.Now;
        pair.Alice.Flush();
        var accepted = 0;
        DatagramWrite result;
        QuicPacket written;
        while ((result = Write(dialer, accepted, now, out written)) == DatagramWrite.Open)
        {
            accepted++;
        }

        Assert.Equal(DatagramWrite.PacketOnly, result);
        pair.Net.Send(_packet[..written.Bytes], pair.Alice.Address, pair.Bob.Address);
        dialer.EndBurst(now);
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(accepted, pair.Bob.Handler.Datagrams.Count);
        Assert.InRange(accepted, 10, 14);
    }

    [Fact]
    public void OpenPacket_AnyOtherCall_ThrowsAndTheConnectionGoesOn()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var now = pair.Net.Now;
        pair.Alice.Flush();
        Assert.Equal(DatagramWrite.Open, Write(dialer, 1, now, out _));
        Assert.Throws<InvalidOperationException>(() => dialer.WritePending(_packet, now));
        Assert.Throws<InvalidOperationException>(() => dialer.EndBurst(now));
        Assert.Throws<InvalidOperationException>(() => dialer.FinishPacket(_other, now));
        Assert.Throws<InvalidOperationException>(() => dialer.WriteDatagram(default, [1], _other, more: true, out _, now));
        Assert.Throws<InvalidOperationException>(() => dialer.HandleDeadline(now));
        Assert.Throws<InvalidOperationException>(() => ReceiveNothing(dialer, now));
        var packet = dialer.FinishPacket(_packet, now);
        pair.Net.Send(_packet[..packet.Bytes], pair.Alice.Address, pair.Bob.Address);
        dialer.EndBurst(now);
        Assert.Throws<InvalidOperationException>(() => dialer.FinishPacket(_packet, now));
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Single(pair.Bob.Handler.Datagrams);
    }

    [Fact]
    public void OpenPacket_PeerClosedMeanwhile_FinishStillWorks()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var now = pair.Net.Now;
        pair.Alice.Flush();
        Assert.Equal(DatagramWrite.Open, Write(dialer, 1, now, out _));
        dialer.Close(3, "");
        Assert.Equal(DatagramWrite.Closed, Write(dialer, 2, now, out _));
        Assert.True(dialer.FinishPacket(_packet, now).Bytes > 0);
        pair.Alice.Flush();
        Assert.Equal(3UL, Assert.Single(pair.Alice.Handler.Closed).Close.ErrorCode);
    }

    [Fact]
    public void WriteDatagram_ShortBuffer_ArgumentException()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        Assert.Throws<ArgumentException>(() => dialer.WriteDatagram(default, [1], new byte[dialer.MaxPacketBytes - 1], more: false, out _, pair.Net.Now));
        Assert.Throws<ArgumentException>(() => dialer.WritePending(new byte[100], pair.Net.Now));
    }

    [Fact]
    public void Callback_ReadsOrWrites_ThrowsAndClosesOnlyThatConnection()
    {
        using var pair = new SimPair();
        var (_, acceptor) = pair.Connect();
        var (other, _) = pair.Connect();
        var thrown = new List<Exception?>();
        pair.Bob.Handler.DatagramHook = (c, _) =>
        {
            thrown.Add(Record.Exception(() => c.WriteDatagram(default, [1], _packet, more: false, out var _, pair.Net.Now)));
            thrown.Add(Record.Exception(() => { c.WritePending(_packet, pair.Net.Now); }));
            thrown.Add(Record.Exception(() => c.EndBurst(pair.Net.Now)));
            thrown.Add(Record.Exception(() => pair.Bob.Endpoint.Receive(c.Path, 0, [0x40], pair.Net.Now)));
            Assert.True(c.TryWriteStream(c.OpenStream(), [1], fin: true));
            c.WritePending(_packet, pair.Net.Now);
        };
        pair.Alice.SendDatagram(pair.Alice.Endpoint.Connections.First(c => c != other), [1]);
        Assert.True(pair.Net.RunUntil(() => pair.Alice.Handler.Closed.Count > 0, SimPair.Patience));
        Assert.Equal(4, thrown.Count);
        Assert.All(thrown, e => Assert.IsType<InvalidOperationException>(e));
        var (closed, close) = Assert.Single(pair.Bob.Handler.Closed);
        Assert.Same(acceptor, closed);
        Assert.Equal((QuicCloseKind.LocalTransport, 1UL), (close.Kind, close.ErrorCode));
        Assert.False(other.IsClosed);
    }

    [Fact]
    public void EndBurst_AfterABurst_PacingHoldsBackForLessThanAMillisecond()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        for (var i = 0; i < 200; i++)
        {
            pair.Alice.SendDatagram(dialer, new byte[1_000]);
            pair.Net.Run(TimeSpan.FromMilliseconds(1));
        }

        pair.Net.Run(TimeSpan.FromSeconds(1));
        var now = pair.Net.Now;
        Assert.Equal(DatagramWrite.Written, dialer.WriteDatagram(default, new byte[1_000], _packet, more: false, out _, now));
        dialer.EndBurst(now);

        // Without the transmit-time update the next packet would leave at once; and a deadline in whole milliseconds would be far too late.
        Assert.Equal(DatagramWrite.Blocked, dialer.WriteDatagram(default, new byte[1_000], _packet, more: false, out _, now));
        Assert.InRange(dialer.Deadline, now.Nanos + 1_000, now.Nanos + 999_999);
        var due = now with { Nanos = dialer.Deadline };
        dialer.HandleDeadline(due);
        Assert.Equal(DatagramWrite.Written, dialer.WriteDatagram(default, new byte[1_000], _packet, more: false, out _, due));
    }

    [Fact]
    public void Datagrams_LostOnTheWay_CountedAsLost()
    {
        using var pair = new SimPair(seed: 3);
        var (dialer, _) = pair.Connect();
        var link = pair.Net.Link(pair.Alice.Address, pair.Bob.Address);
        pair.Net.Run(TimeSpan.FromSeconds(2));
        link.Settings = link.Settings with { Loss = 0.2 };
        var sent = 0ul;
        for (var i = 0; i < 2_000; i++)
        {
            sent += pair.Alice.SendDatagram(dialer, new byte[500]) == DatagramWrite.Written ? 1u : 0u;
            pair.Net.Run(TimeSpan.FromMilliseconds(5));
        }

        link.Settings = link.Settings with { Loss = 0 };
        pair.Net.Run(TimeSpan.FromSeconds(5));
        var stats = dialer.GetStats();
        Assert.Equal((ulong)pair.Bob.Handler.Datagrams.Count, stats.DatagramsAcked);
        Assert.Equal(sent, stats.DatagramsAcked + stats.DatagramsLost);
        Assert.True(stats.DatagramsLost > sent / 10, $"{stats.DatagramsLost} of {sent}");
    }

    private DatagramWrite Write(QuicConnection connection, int value, Instant now, out QuicPacket written)
    {
        var payload = new byte[100];
        payload[0] = (byte)value;
        return connection.WriteDatagram(default, payload, _packet, more: true, out written, now);
    }

    private static unsafe void ReceiveNothing(QuicConnection connection, Instant now) => connection.Receive(null, 0, [0x40, 1, 2, 3], now);
}
