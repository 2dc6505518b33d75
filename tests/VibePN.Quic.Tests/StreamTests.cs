using VibePN.Quic.Native;
using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

public sealed unsafe class StreamTests
{
    [Fact]
    public void SendBuffer_BytesHandedOut_StayWhereTheyAreUntilAcknowledged()
    {
        using var buffer = new SendBuffer();
        var data = new byte[20_000];
        new Random(1).NextBytes(data);
        buffer.Append(data);
        var vectors = stackalloc ngtcp2_vec[16];
        var count = buffer.Pending(vectors, 16, out var all);
        Assert.True(all);
        Assert.Equal(5, count);
        buffer.MarkSent(20_000);

        // More data, a collection and a partial acknowledgement: what ngtcp2 still points to must not have changed.
        buffer.Append(new byte[50_000]);
        buffer.MarkAcked(4_096);
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        var offset = 4_096;
        for (var i = 1; i < count; i++)
        {
            Assert.Equal(data.AsSpan(offset, (int)vectors[i].len), new ReadOnlySpan<byte>(vectors[i].@base, (int)vectors[i].len));
            offset += (int)vectors[i].len;
        }
    }

    [Fact]
    public void SendBuffer_Acknowledged_BlocksAreFreedAndRoomComesBack()
    {
        using var buffer = new SendBuffer();
        buffer.Append(new byte[QuicLimits.MaxStreamBufferBytes]);
        Assert.Equal(0, buffer.Room);
        Assert.Equal(64, buffer.BlockCount);
        buffer.MarkSent(100_000);
        buffer.MarkAcked(99_999);
        Assert.Equal(99_999, buffer.Room);
        Assert.Equal(64 - 24, buffer.BlockCount);
        buffer.MarkSent(QuicLimits.MaxStreamBufferBytes - 100_000);
        buffer.MarkAcked(QuicLimits.MaxStreamBufferBytes);
        Assert.Equal(0, buffer.BlockCount);
        Assert.Equal(0, buffer.HeldBytes);

        // An acknowledgement of what was never sent cannot free anything.
        buffer.Append([1]);
        buffer.MarkAcked(ulong.MaxValue);
        Assert.Equal(1, buffer.HeldBytes);
    }

    [Fact]
    public void TryWriteStream_BufferFull_FalseUntilThePeerAcknowledges()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        var stream = dialer.OpenStream();
        var block = new byte[16 * 1024];
        var queued = 0;
        while (dialer.TryWriteStream(stream, block, fin: false))
        {
            queued += block.Length;
        }

        Assert.Equal(256 * 1024, queued);
        Assert.Equal(queued, dialer.GetStreamPendingBytes(stream));
        pair.Alice.Flush();
        Assert.True(pair.Net.RunUntil(() => dialer.TryWriteStream(stream, block, fin: true), SimPair.Patience));
        Assert.True(pair.Net.RunUntil(() => dialer.GetStreamPendingBytes(stream) == 0, SimPair.Patience));
        Assert.Equal(0, dialer.StreamBlockCount(stream));
        Assert.Equal(queued + block.Length, pair.Bob.Handler.Streams[(acceptor, stream)].Length);
    }

    [Fact]
    public void OneWayStreams_ManyMoreThanTheSettingsAllow_AreTakenAndTheirCreditReturned()
    {
        const int Streams = 5000;
        using var pair = new SimPair();
        pair.Bob.Handler.CompletedHook = c =>
        {
            c.TakesOneWayStreams = true;
            c.AllowMore(200, 1 << 20);
        };
        var (dialer, acceptor) = pair.Connect();
        var opened = 0;
        var most = 0;
        var done = pair.Net.RunUntil(
            () =>
            {
                var before = opened;
                while (opened < Streams && dialer.TryOpenStream(out var stream))
                {
                    Assert.True(dialer.TryWriteStream(stream, BitConverter.GetBytes(opened++), fin: true));
                }

                most = Math.Max(most, opened - before);
                pair.Alice.Flush();
                return pair.Bob.Handler.Finished.Count == Streams;
            },
            SimPair.Patience);

        Assert.True(done, $"{opened} opened, {pair.Bob.Handler.Finished.Count} arrived");
        Assert.InRange(most, 200, 204);
        Assert.Equal(Enumerable.Range(0, Streams), pair.Bob.Handler.Streams.Select(stream => BitConverter.ToInt32(stream.Value.ToArray())).Order());
        Assert.False(acceptor.TryWriteStream(0, "x"u8, fin: false));
        Assert.Empty(pair.Bob.Handler.Resets);
    }

    [Fact]
    public void GetStreamUnsentBytes_Queued_UntilTheyLeaveAndMinusOneWhenItIsOver()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var stream = dialer.OpenStream();
        dialer.TryWriteStream(stream, new byte[1000], fin: false);
        Assert.Equal(1000, dialer.GetStreamUnsentBytes(stream));
        pair.Alice.Flush();
        Assert.Equal(0, dialer.GetStreamUnsentBytes(stream));
        Assert.Equal(-1, dialer.GetStreamUnsentBytes(stream + 4));
        dialer.ResetStream(stream, 0);
        Assert.Equal(-1, dialer.GetStreamUnsentBytes(stream));
        while (dialer.TryOpenStream(out _))
        {
        }

        Assert.Throws<QuicException>(() => dialer.OpenStream());
        dialer.Close(0, "");
        Assert.False(dialer.TryOpenStream(out _));
    }

    [Fact]
    public void PeerThatTakesNoDatagrams_IsAskedForNoneAndStaysConnected()
    {
        using var pair = new SimPair(bob: options => options with { Settings = options.Settings with { TakesDatagrams = false } });
        var (dialer, _) = pair.Connect();
        var stream = dialer.OpenStream();
        for (var second = 0; second < 120; second++)
        {
            dialer.TryWriteStream(stream, new byte[1000], fin: false);
            pair.Alice.Flush();
            pair.Net.Run(TimeSpan.FromSeconds(1));
        }

        Assert.Equal((0, false), (dialer.MaxDatagramBytes, dialer.IsClosed));
        Assert.Empty(pair.Bob.Handler.Datagrams);
    }

    [Fact]
    public void OpenStream_InsideHandshakeCompleted_DataFollows()
    {
        using var pair = new SimPair();
        pair.Alice.Handler.CompletedHook = c => Assert.True(c.TryWriteStream(c.OpenStream(), "hello"u8, fin: false));
        pair.Bob.Handler.CompletedHook = c => Assert.True(c.TryWriteStream(c.OpenStream(), "hi"u8, fin: false));
        pair.Bob.Handler.StreamHook = (c, id, data, fin) => Assert.True(c.TryWriteStream(id, [.. data, (byte)'!'], fin: true));
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal("hello"u8, pair.Bob.Handler.Streams[(acceptor, 0)].ToArray());
        Assert.Equal("hello!"u8, pair.Alice.Handler.Streams[(dialer, 0)].ToArray());
        Assert.Equal("hi"u8, pair.Alice.Handler.Streams[(dialer, 1)].ToArray());
        Assert.Contains((dialer, 0L), pair.Alice.Handler.Finished);
    }

    [Fact]
    public void OpenStream_PeersLimitReached_QuicExceptionUntilOneIsOver()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        pair.Bob.Handler.StreamHook = (c, id, _, fin) =>
        {
            if (fin)
            {
                c.TryWriteStream(id, default, fin: true);
            }
        };
        for (var round = 0; round < 50; round++)
        {
            var streams = Enumerable.Range(0, 4).Select(_ => dialer.OpenStream()).ToList();
            Assert.Throws<QuicException>(() => dialer.OpenStream());
            Assert.All(streams, s => Assert.True(dialer.TryWriteStream(s, [1, 2, 3], fin: true)));
            pair.Alice.Flush();
            pair.Net.Run(TimeSpan.FromSeconds(1));
            Assert.All(streams, s => Assert.Equal(3, pair.Bob.Handler.Streams[(acceptor, s)].Length));
        }
    }

    [Fact]
    public void TryWriteStream_AfterTheEnd_InvalidOperation()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var stream = dialer.OpenStream();
        Assert.True(dialer.TryWriteStream(stream, [1], fin: true));
        Assert.Throws<InvalidOperationException>(() => dialer.TryWriteStream(stream, [1], fin: false));
        Assert.Throws<ArgumentException>(() => dialer.TryWriteStream(stream, new byte[300_000], fin: false));
        Assert.False(dialer.TryWriteStream(99, [1], fin: false));
    }

    [Fact]
    public void WritePending_OwnerStopsEarly_ComesAgain()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.Null(pair.Alice.Endpoint.TakeDirty());
        Assert.True(dialer.TryWriteStream(dialer.OpenStream(), new byte[10_000], fin: true));
        var packet = new byte[16_384];
        var packets = 0;
        while (pair.Alice.Endpoint.TakeDirty() is { } connection)
        {
            Assert.Same(dialer, connection);
            packets += connection.WritePending(packet, pair.Net.Now).Bytes > 0 ? 1 : 0;
            Assert.True(packets < 100, "never done");
        }

        Assert.InRange(packets, 7, 8);
        dialer.Touch();
        Assert.Same(dialer, pair.Alice.Endpoint.TakeDirty());
        Assert.Null(pair.Alice.Endpoint.TakeDirty());
    }

    [Fact]
    public void ResetStream_BothSidesLearnAndTheConnectionGoesOn()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        var stream = dialer.OpenStream();
        Assert.True(dialer.TryWriteStream(stream, new byte[200_000], fin: false));
        pair.Alice.Flush();
        Assert.True(pair.Net.RunUntil(() => pair.Bob.Handler.Streams.Count > 0, SimPair.Patience));
        acceptor.ResetStream(stream, 42);
        pair.Bob.Flush();
        pair.Net.Run(TimeSpan.FromSeconds(2));
        Assert.Contains((stream, 42UL), pair.Alice.Handler.Resets);
        Assert.False(dialer.TryWriteStream(stream, [1], fin: false));
        Assert.Equal(0, dialer.GetStreamPendingBytes(stream));
        Assert.False(dialer.IsClosed);
        Assert.Equal(DatagramWrite.Written, pair.Alice.SendDatagram(dialer, [1]));
    }
}
