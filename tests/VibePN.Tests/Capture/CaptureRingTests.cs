using System.Buffers.Binary;
using VibePN.Capture;
using Xunit;

namespace VibePN.Tests.Capture;

public sealed class CaptureRingTests
{
    private static readonly CaptureFilter s_all = new(null, null, false, CaptureFilter.MaxSnapBytes);

    [Fact]
    public void Ring_Full_CountsWhatFindsNoRoomAndTellsItWithTheNext()
    {
        var ring = new CaptureRing(s_all, bytes: 1000, packets: 4);
        Assert.True(Add(ring, 600));
        Assert.False(Add(ring, 600));
        Assert.False(Add(ring, 2000));
        Assert.True(Add(ring, 400));
        Assert.False(Add(ring, 1));
        Take(ring, 600, lost: 0);
        Take(ring, 400, lost: 2);
        Assert.True(Add(ring, 1000));
        Take(ring, 1000, lost: 1);
        Assert.False(ring.TryPeek(out _, out _));
        Assert.All(Enumerable.Range(0, 4), _ => Assert.True(Add(ring, 1)));
        Assert.False(Add(ring, 1));
    }

    [Fact]
    public void Ring_SnapLength_KeepsTheFirstBytesOfBothParts()
    {
        var ring = new CaptureRing(s_all with { SnapBytes = 5 });
        Assert.True(ring.TryAdd(default, [1, 2, 3], [4, 5, 6, 7]));
        Assert.True(ring.TryAdd(default, [1, 2, 3, 4, 5, 6], [7]));
        for (var i = 0; i < 2; i++)
        {
            Assert.True(ring.TryPeek(out var packet, out var bytes));
            Assert.Equal((7, "0102030405"), (packet.WholeBytes, Convert.ToHexString(bytes)));
            ring.Release();
        }

        Assert.Throws<InvalidOperationException>(ring.Release);
    }

    [Fact]
    public void Ring_AWriterAndAReader_EveryPacketArrivesWholeOrIsCounted()
    {
        const int Packets = 300_000;
        var retries = 0;
        var ring = new CaptureRing(s_all, bytes: 5000, packets: 16);
        var writer = new Thread(() =>
        {
            var bytes = new byte[1500];
            for (var number = 0; number < Packets; number++)
            {
                var length = 8 + ((number & 0xffff) * 7919 % 1400);
                bytes.AsSpan(0, length).Fill((byte)number);
                BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), length);
                _ = ring.TryAdd(default, bytes.AsSpan(0, 8), bytes.AsSpan(8, length - 8));
            }

            // The last one gets in, so that all losses are told.
            while (!ring.TryAdd(default, bytes.AsSpan(0, 1), default))
            {
                retries++;
                Thread.Yield();
            }
        });
        writer.Start();
        var (expected, taken) = (0UL, 0);
        while (true)
        {
            if (!ring.TryPeek(out var packet, out var bytes))
            {
                Thread.Yield();
                continue;
            }

            expected += packet.LostBefore;
            if (bytes.Length == 1)
            {
                break;
            }

            Assert.Equal(expected, (ulong)BinaryPrimitives.ReadInt32LittleEndian(bytes));
            Assert.Equal(bytes.Length, BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
            Assert.Equal(-1, bytes[8..].IndexOfAnyExcept((byte)expected));
            ring.Release();
            expected++;
            taken++;
        }

        writer.Join();
        Assert.Equal((ulong)(Packets + retries), expected);
        Assert.InRange(taken, 16, Packets);
    }

    [Fact]
    public void Ring_InUse_AllocatesNothing()
    {
        var ring = new CaptureRing(s_all, bytes: 1 << 16, packets: 64);
        var bytes = new byte[1000];
        _ = Add(ring, 10);
        var packet = new CapturedPacket { Network = "n", Interface = "i", Peer = "p", Reason = DropReason.OutCodel };
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _ = ring.TryAdd(packet, bytes, bytes);
            if (i % 3 != 0 && ring.TryPeek(out _, out _))
            {
                ring.Release();
            }
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static bool Add(CaptureRing ring, int bytes) => ring.TryAdd(default, new byte[bytes], default);

    private static void Take(CaptureRing ring, int length, ulong lost)
    {
        Assert.True(ring.TryPeek(out var packet, out var bytes));
        Assert.Equal((length, length, lost), (bytes.Length, packet.WholeBytes, packet.LostBefore));
        ring.Release();
    }
}
