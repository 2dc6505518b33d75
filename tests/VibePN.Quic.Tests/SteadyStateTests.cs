using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

/// <summary>Alone: it measures the memory of the process.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class MeasuredAlone;

/// <summary>What goes on for ever must cost nothing that grows.</summary>
[Collection<MeasuredAlone>]
public sealed class SteadyStateTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void Datagrams_SteadyState_NoManagedAllocation(int parityGroup)
    {
        using var pair = new SimPair(settings: new QuicSettings { MaxUdpPayloadBytes = 1_472 });
        var (dialer, acceptor) = pair.Connect();
        Assert.True(dialer.HasOwnKeys && acceptor.HasOwnKeys, QuicLibrary.DescribePacketProtection(PacketProtectionMode.Auto));
        pair.Net.Run(TimeSpan.FromSeconds(5));
        pair.Bob.Handler.Quiet = true;
        pair.Alice.Handler.Quiet = true;
        acceptor.TakesParity = true;
        dialer.SetParity(parityGroup, TimeSpan.FromSeconds(1));
        var clock = pair.Net.Now;
        var packet = GC.AllocateArray<byte>(16_384, pinned: true);
        var payload = new byte[1_200];
        Exchange(2_000);
        var count = pair.Bob.Handler.DatagramCount;
        var before = GC.GetAllocatedBytesForCurrentThread();
        Exchange(2_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(pair.Bob.Handler.DatagramCount - count > 1_500, "too few datagrams to tell");
        Assert.Equal(0, allocated);
        Assert.Equal(parityGroup > 0, acceptor.Parity.Rebuilt > 100);

        void Exchange(int rounds)
        {
            for (var i = 0; i < rounds; i++)
            {
                clock = clock with { Nanos = clock.Nanos + 2_000_000 };
                var result = dialer.WriteDatagram(payload.AsSpan(..4), payload.AsSpan(4..), packet, more: false, out var written, clock);
                if (written.Bytes > 0 && (parityGroup == 0 || i % 20 != 3))
                {
                    pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, packet.AsSpan(0, written.Bytes), clock);
                }

                if (dialer.IsParityDue(clock) && dialer.WriteParity(packet, clock) is { Bytes: > 0 } parity)
                {
                    pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, packet.AsSpan(0, parity.Bytes), clock);
                }

                dialer.EndBurst(clock);
                Flush(pair.Bob, pair.Alice);
                Flush(pair.Alice, pair.Bob);
                pair.Alice.Endpoint.HandleDeadlines(clock);
                pair.Bob.Endpoint.HandleDeadlines(clock);
                acceptor.EndBurst(clock);
                Assert.True(result is DatagramWrite.Written or DatagramWrite.PacketOnly or DatagramWrite.Blocked);
            }
        }

        void Flush(SimHost from, SimHost to)
        {
            while (from.Endpoint.TakeDirty() is { } connection)
            {
                while (connection.WritePending(packet, clock) is { Bytes: > 0 } written)
                {
                    to.Endpoint.Receive(new QuicPath(to.Address, from.Address), 0, packet.AsSpan(0, written.Bytes), clock);
                }

                connection.EndBurst(clock);
            }
        }
    }

    [Fact]
    public void ConnectAndClose_ThousandTimes_NothingIsLeft() => Cycle(
        (pair, dialer) =>
        {
            Assert.True(pair.Net.RunUntil(() => dialer.IsHandshakeConfirmed, SimPair.Patience));
            var stream = dialer.OpenStream();
            Assert.True(dialer.TryWriteStream(stream, new byte[5_000], fin: false));
            pair.Alice.SendDatagram(dialer, new byte[100]);
            pair.Net.Run(TimeSpan.FromMilliseconds(50));
            dialer.Close(0, "");
            pair.Alice.Flush();
        });

    [Fact]
    public void RefusedHandshakes_Thousand_NothingIsLeft()
    {
        Cycle(
            (pair, dialer) => Assert.True(pair.Net.RunUntil(() => dialer.IsClosed, SimPair.Patience)),
            prepare: pair => pair.Bob.Handler.Judge = (_, _) => TlsAlert.AccessDenied);
    }

    [Fact]
    public void KeyUpdate_BothSidesRepeatedly_DatagramsGoOn()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        for (var round = 0; round < 6; round++)
        {
            pair.Net.Run(TimeSpan.FromSeconds(3));
            var (connection, host) = round % 2 == 0 ? (dialer, pair.Alice) : (acceptor, pair.Bob);
            Assert.True(connection.TryUpdateKey(pair.Net.Now), $"round {round}");

            // An update can follow only when the other side's acknowledgement under the new keys has come: so both speak.
            Assert.Equal(DatagramWrite.Written, host.SendDatagram(connection, [(byte)round]));
            pair.Net.Run(TimeSpan.FromSeconds(1));
            Assert.Equal(DatagramWrite.Written, pair.Alice.SendDatagram(dialer, [10]));
            Assert.Equal(DatagramWrite.Written, pair.Bob.SendDatagram(acceptor, [10]));
            pair.Net.Run(TimeSpan.FromSeconds(1));
        }

        Assert.Equal<byte[]>([[0], [10], [10], [2], [10], [10], [4], [10], [10]], pair.Bob.Handler.Datagrams);
        Assert.Equal<byte[]>([[10], [1], [10], [10], [3], [10], [10], [5], [10]], pair.Alice.Handler.Datagrams);
        Assert.False(dialer.HasTls);
        Assert.False(acceptor.HasTls);
    }

    [Fact]
    public unsafe void CryptoFrame_AfterConfirmation_IgnoredBeforeGnuTls()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        Assert.True(dialer.IsHandshakeConfirmed && acceptor.IsHandshakeConfirmed);
        Assert.False(dialer.HasTls);
        Assert.False(acceptor.HasTls);

        // As ngtcp2 hands over a CRYPTO frame at 1-RTT level (2): a session ticket, say. Without a session the helper would run into null.
        var ticket = stackalloc byte[] { 4, 0, 0, 1, 0 };
        Assert.Equal(0, dialer.OnCryptoData(2, 0, ticket, 5));
        Assert.Equal(0, acceptor.OnCryptoData(2, 0, ticket, 5));
    }

    private static void Cycle(Action<SimPair, QuicConnection> use, Action<SimPair>? prepare = null)
    {
        using var pair = new SimPair(
            link: new LinkSettings { DelayNanos = 1_000_000 },
            bob: o => o with { RetryAbovePerSecond = int.MaxValue, DropAbovePerSecond = int.MaxValue });
        prepare?.Invoke(pair);
        // The JIT allocates natively too, until everything has run often enough.
        Rounds(600);
        var grown = long.MaxValue;
        for (var span = 0; span < 3 && grown >= 500_000; span++)
        {
            // A leak shows in every span; the runtime's own heap, after hundreds of other tests, only in one (megabytes up, then down again).
            var before = NativeBytesInUse();
            Rounds(1_000);
            grown = Math.Min(grown, NativeBytesInUse() - before);
        }

        Assert.Equal(0, pair.Alice.Endpoint.LiveKeys + pair.Bob.Endpoint.LiveKeys);
        Assert.Equal(0, pair.Connections);
        Assert.Equal(0, pair.Alice.Endpoint.IdCount + pair.Bob.Endpoint.IdCount);
        Assert.Equal(ulong.MaxValue, Math.Min(pair.Alice.Endpoint.NextDeadline, pair.Bob.Endpoint.NextDeadline));

        // 500 bytes a cycle: a leaked connection, session or stream would be kilobytes.
        Assert.True(grown < 500_000, $"{grown} bytes of native memory more after 1,000 cycles");

        void Rounds(int count)
        {
            for (var i = 0; i < count; i++)
            {
                use(pair, pair.Alice.Dial(pair.Bob));
                pair.Net.Run(TimeSpan.FromSeconds(3));
                Assert.Equal(0, pair.Connections);
            }

            Clear(pair.Alice.Handler);
            Clear(pair.Bob.Handler);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static void Clear(RecordingHandler handler)
    {
        handler.Accepted.Clear();
        handler.Completed.Clear();
        handler.Chains.Clear();
        handler.Datagrams.Clear();
        handler.Streams.Clear();
        handler.Closed.Clear();
        handler.MaxDatagrams.Clear();
        handler.Resets.Clear();
    }

    /// <summary>What malloc has given out and not got back (mallinfo2: uordblks + hblkhd), all arenas.</summary>
    private static long NativeBytesInUse()
    {
        var info = LibC.mallinfo2();
        return (long)(info.uordblks + info.hblkhd);
    }
}
