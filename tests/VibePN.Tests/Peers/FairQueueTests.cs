using CsCheck;
using VibePN.Linux;
using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class FairQueueTests
{
    private const ulong Millisecond = 1_000_000;

    private readonly Dictionary<DropReason, int> _drops = [];

    [Fact]
    public void Queue_RandomUse_BoundedInOrderAndNothingLostUncounted()
    {
        Gen.Select(Gen.Int[0, 40], Gen.Int[FlowPacket.MinBytes, 3000], Gen.Int[0, 9], Gen.Int[0, 3]).Array[400].Sample(
            steps =>
            {
                var dropped = 0;
                var queue = new FairQueue(20_000, new QueueMemory(200_000), 7, (_, _, packets, _) => dropped += packets);
                var last = new int[64];
                var (offered, sent, now) = (0, 0, 1UL);
                foreach (var (flow, bytes, action, ecn) in steps)
                {
                    now += (ulong)bytes * 10_000;
                    if (action < 6)
                    {
                        offered++;
                        var frame = FlowPacket.Build(flow, offered, bytes, (byte)ecn, isIPv6: (flow & 1) == 1);
                        Start(frame, out var segmenter);
                        queue.Enqueue(flow, segmenter, frame, isBegun: false, now);
                    }
                    else if (queue.TrySelect(now, stay: action == 9) && action != 8)
                    {
                        Check(queue, last);
                        queue.Pop(now);
                        sent++;
                    }

                    Assert.InRange(queue.Bytes, 0, 20_000);
                    Assert.Equal(offered, sent + dropped + queue.Count);
                }

                while (queue.TrySelect(now, stay: false))
                {
                    Check(queue, last);
                    queue.Pop(now);
                    sent++;
                }

                Assert.Equal(0, queue.Bytes);
                Assert.Equal(0, queue.Flows);
                Assert.Equal(offered, sent + dropped);
            },
            iter: 300);
    }

    [Fact]
    public void Queue_ManySmallFramesOfManyFlows_BoundedInFramesAndFlows()
    {
        var queue = Queue(1 << 20);
        for (var i = 0; i < 50_000; i++)
        {
            Offer(queue, flow: i % 5000, number: i, FlowPacket.MinBytes, now: 1);
        }

        Assert.InRange(queue.Count, 2000, 2048);
        Assert.InRange(queue.Flows, 1000, FairQueue.MaxFlows);
        Assert.Equal(50_000 - queue.Count, _drops[DropReason.OutQueueFull]);
        Assert.Equal((ulong)(50_000 - queue.Count), queue.DroppedFull);
        queue.Clear(DropReason.OutPeerDown);
        Assert.Equal(50_000, _drops.Values.Sum());
        Assert.Equal(0, queue.Count + queue.Bytes + queue.Flows);
    }

    [Fact]
    public void Select_SparseFlowBehindABacklog_GoesFirst()
    {
        var queue = Queue(1 << 20);
        for (var i = 0; i < 100; i++)
        {
            Offer(queue, flow: 1, i, 1400, now: 1);
        }

        for (var i = 0; i < 20; i++)
        {
            Assert.True(queue.TrySelect(2, stay: false));
            queue.Pop(2);
        }

        Offer(queue, flow: 2, 0, 100, now: 2);
        Assert.True(queue.TrySelect(3, stay: false));

        Assert.Equal(2, FlowPacket.FlowOf(queue.HeadFrame));
    }

    [Fact]
    public void Select_HeadNotBegun_SparseFlowOvertakesIt()
    {
        var queue = Queue(1 << 20);
        for (var i = 0; i < 10; i++)
        {
            Offer(queue, flow: 1, i, 1400, now: 1);
        }

        queue.TrySelect(1, stay: false);
        queue.Pop(1);
        queue.TrySelect(1, stay: false);
        queue.Pop(1);
        Assert.True(queue.TrySelect(1, stay: false));
        Offer(queue, flow: 2, 0, 100, now: 1);
        Assert.True(queue.TrySelect(1, stay: false));

        Assert.Equal(2, FlowPacket.FlowOf(queue.HeadFrame));
    }

    [Fact]
    public void Select_HeadBegun_StaysThroughOverflowAndAnyWait()
    {
        var queue = Queue(10_000);
        var frame = SuperFrame(5, 1000);
        Start(frame, out var segmenter, 1000);
        segmenter.Advance();
        Assert.True(queue.Enqueue(0, segmenter, frame, isBegun: true, 1));
        for (var i = 0; i < 50; i++)
        {
            Offer(queue, flow: i % 3, i, 1400, now: 1);
        }

        for (var second = 1UL; second < 5; second++)
        {
            Assert.True(queue.TrySelect(second * 1000 * Millisecond, stay: false));
            Assert.Equal(4, queue.Head.Segmenter.Remaining);
            Assert.True(queue.HeadFrame.SequenceEqual(frame));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Select_HeadSentInPart_Stays(bool byStay)
    {
        var queue = Queue(1 << 20);
        var frame = SuperFrame(5, 1000);
        Start(frame, out var segmenter, 1000);
        queue.Enqueue(0, segmenter, frame, isBegun: false, 1);
        Offer(queue, flow: 1, 0, 1000, now: 1);
        Assert.True(queue.TrySelect(1, stay: false));
        if (!byStay)
        {
            queue.Head.Segmenter.Advance();
        }

        Offer(queue, flow: 2, 0, 100, now: 1);
        Assert.True(queue.TrySelect(2, stay: byStay));

        Assert.Equal(frame.Length, queue.HeadFrame.Length);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(16)]
    public void Drain_SeveralFlows_EqualSharesWhateverTheirSizes(int flows)
    {
        var queue = Queue(1 << 20);
        var shares = new long[flows];
        var waiting = new int[flows];
        var next = 0;
        for (var round = 0; round < 40_000; round++)
        {
            for (var flow = 0; flow < flows; flow++)
            {
                // From 200 bytes to full packets, large frames among them; always more than one turn's worth.
                for (var bytes = flow == 1 ? 15_000 : 200 + (flow * 80); waiting[flow] < 30_000; waiting[flow] += bytes)
                {
                    Offer(queue, flow, next++, bytes, now: 1);
                }
            }

            Assert.True(queue.TrySelect(1, stay: false));
            var sender = FlowPacket.FlowOf(queue.HeadFrame);
            waiting[sender] -= queue.Head.Length;
            shares[sender] += queue.Head.Length + (queue.Head.Packets * FairQueue.PacketCostBytes);
            queue.Pop(1);
        }

        Assert.Empty(_drops);
        Assert.All(shares, share => Assert.InRange(share, 0.95 * shares.Average(), 1.05 * shares.Average()));
    }

    [Fact]
    public void Overflow_FloodBesideAModestFlow_TheFloodPays()
    {
        var paid = new int[2];
        var queue = new FairQueue(100_000, new QueueMemory(200_000), 7, (network, _, packets, _) => paid[network] += packets);
        for (var i = 0; i < 10_000; i++)
        {
            var frame = FlowPacket.Build(0, i, 100);
            queue.Enqueue(0, default, frame, isBegun: false, 1);
            if (i % 500 == 0)
            {
                queue.Enqueue(1, default, FlowPacket.Build(1, i, 1400), isBegun: false, 1);
            }
        }

        Assert.Equal(0, paid[1]);
        Assert.True(paid[0] > 5000);
    }

    [Fact]
    public void Waits_NowAndTheLongestOfTheLastSeconds_AreTold()
    {
        var queue = Queue(1 << 20);
        Assert.Equal((0UL, 0UL), (queue.WaitNanos(Millisecond), queue.MaxWaitNanos(Millisecond)));
        Offer(queue, flow: 1, number: 1, bytes: 100, now: 10 * Millisecond);
        Offer(queue, flow: 2, number: 2, bytes: 100, now: 20 * Millisecond);
        Assert.Equal(30 * Millisecond, queue.WaitNanos(40 * Millisecond));
        while (queue.TrySelect(50 * Millisecond, stay: false))
        {
            queue.Pop(50 * Millisecond);
        }

        Assert.Equal(0UL, queue.WaitNanos(50 * Millisecond));
        Assert.Equal(40 * Millisecond, queue.MaxWaitNanos(60 * Millisecond));
        Assert.Equal(40 * Millisecond, queue.MaxWaitNanos(5_040 * Millisecond));
        Assert.Equal(0UL, queue.MaxWaitNanos(20_000 * Millisecond));
    }

    [Fact]
    public void Enqueue_LargerThanTheQueue_RefusedAndCounted()
    {
        var queue = Queue(1000);

        Assert.False(Offer(queue, 1, 0, 1001, now: 1));
        Assert.True(Offer(queue, 1, 1, 1000, now: 1));
        Assert.Equal(1, _drops[DropReason.OutQueueFull]);
        Assert.True(Offer(queue, 2, 2, 1000, now: 1));
        Assert.Equal(2, _drops[DropReason.OutQueueFull]);
        Assert.Equal(1, queue.Count);
    }

    [Fact]
    public void Codel_StandingSuperPackets_OnePacketOfAFrameIsDropped()
    {
        var queue = Queue(1 << 20);
        var frame = SuperFrame(10, 1000);
        for (var i = 0; i < 8; i++)
        {
            Start(frame, out var segmenter, 1000);
            queue.Enqueue(0, segmenter, frame, isBegun: false, 1);
        }

        Assert.True(queue.TrySelect(50 * Millisecond, stay: false));
        queue.Pop(50 * Millisecond);
        Assert.True(queue.TrySelect(151 * Millisecond, stay: false));

        Assert.Equal(1, _drops[DropReason.OutCodel]);
        Assert.Equal(9, queue.Head.Segmenter.Remaining);
        queue.Pop(151 * Millisecond);
        Assert.True(queue.TrySelect(152 * Millisecond, stay: false));
        Assert.Equal(10, queue.Head.Segmenter.Remaining);
    }

    [Theory]
    [InlineData(Ecn.Capable0, false)]
    [InlineData(Ecn.Capable1, false)]
    [InlineData(Ecn.Capable0, true)]
    public void Codel_StandingEctPackets_MarkedAndNotDropped(byte ecn, bool isIPv6)
    {
        var queue = Queue(1 << 20);
        for (var i = 0; i < 100; i++)
        {
            var packet = FlowPacket.Build(1, i, 1000, ecn, isIPv6);
            Start(packet, out var segmenter);
            queue.Enqueue(0, segmenter, packet, isBegun: false, 1);
        }

        var marks = 0;
        for (var i = 0; i < 100; i++)
        {
            var now = (ulong)(10 + (i * 10)) * Millisecond;
            Assert.True(queue.TrySelect(now, stay: false));
            Assert.Equal(i, FlowPacket.NumberOf(queue.HeadFrame));
            Assert.True(isIPv6 || Checksum.Compute(queue.HeadFrame[..20]) == 0, "the header checksum is wrong");
            marks += Ecn.Of(queue.HeadFrame) == Ecn.Congestion ? 1 : 0;
            queue.Pop(now);
        }

        Assert.Empty(_drops);
        Assert.InRange(marks, 10, 60);
        Assert.Equal((ulong)marks, queue.Marked);
    }

    [Theory]
    [InlineData(Ecn.NotCapable, 10)]
    [InlineData(Ecn.Capable0, 10)]
    [InlineData(Ecn.NotCapable, 100)]
    public void Codel_SenderThatHalvesOnASignal_WaitNearTheTargetAndTheLineFull(byte ecn, int megabits)
    {
        // One sender, AIMD, 30 ms of round trip beside the queue; the line takes a packet every so many nanoseconds.
        const int PacketBytes = 1200;
        const ulong RoundTrip = 30 * Millisecond;
        var perPacket = (ulong)(PacketBytes + FairQueue.PacketCostBytes) * 8 * 1000 / (ulong)megabits;
        var queue = Queue(1 << 20);
        var acks = new Queue<(ulong At, bool Signal)>();
        var (window, inFlight, number, sent, reactedAt) = (10.0, 0, 0, 0, 0UL);
        var waits = new List<ulong>();
        for (var now = perPacket; now < 40_000 * Millisecond; now += perPacket)
        {
            while (acks.TryPeek(out var ack) && ack.At <= now)
            {
                acks.Dequeue();
                inFlight--;
                if (!ack.Signal)
                {
                    window += 1 / window;
                }
                else if (now > reactedAt + RoundTrip)
                {
                    reactedAt = now;
                    window = Math.Max(window / 2, 2);
                }
            }

            for (; inFlight < (int)window; inFlight++)
            {
                Offer(queue, 1, number++, PacketBytes, now, ecn);
            }

            var before = queue.Count;
            if (!queue.TrySelect(now, stay: false))
            {
                continue;
            }

            for (var drop = before - queue.Count; drop > 0; drop--)
            {
                acks.Enqueue((now + RoundTrip, true));
            }

            acks.Enqueue((now + RoundTrip, Ecn.Of(queue.HeadFrame) == Ecn.Congestion));
            if (now > 10_000 * Millisecond)
            {
                waits.Add(queue.LastWaitNanos);
                sent++;
            }

            queue.Pop(now);
        }

        waits.Sort();
        Assert.InRange(waits[waits.Count / 2], 0UL, 2 * CoDel.TargetNanos);
        Assert.InRange(waits[waits.Count * 95 / 100], 0UL, 6 * CoDel.TargetNanos);
        Assert.True(sent * (long)perPacket > 0.85 * 30_000 * Millisecond, $"the line was idle: {sent} packets");
        Assert.Equal(ecn != Ecn.NotCapable, queue.Marked > 0);
        Assert.Equal(ecn == Ecn.NotCapable, _drops.ContainsKey(DropReason.OutCodel));
    }

    [Fact]
    public void Queue_WarmedUp_AllocatesNothing()
    {
        var queue = new FairQueue(1 << 20, new QueueMemory(1 << 21), 7, static (_, _, _, _) => { });
        var frames = Enumerable.Range(0, 200).Select(i => FlowPacket.Build(i, i, 60 + (i * 7), (byte)(i & 3))).ToArray();
        Run(3);
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 5 && least > 0; attempt++)
        {
            // The pools may be trimmed at any time when the machine is short of memory: once is proof enough.
            var before = GC.GetAllocatedBytesForCurrentThread();
            Run(5);
            least = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, least);

        void Run(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                for (var i = 0; i < 4000; i++)
                {
                    var frame = frames[i % frames.Length];
                    Start(frame, out var segmenter);
                    queue.Enqueue(0, segmenter, frame, isBegun: false, (ulong)i * 100_000);
                }

                for (var now = 400 * Millisecond; queue.TrySelect(now, stay: false); now += 100_000)
                {
                    queue.Pop(now);
                }
            }
        }
    }

    private FairQueue Queue(int bytes) =>
        new(bytes, new QueueMemory(2 * bytes), 7, (_, reason, packets, _) => _drops[reason] = _drops.GetValueOrDefault(reason) + packets);

    private static bool Offer(FairQueue queue, int flow, int number, int bytes, ulong now, byte ecn = 0)
    {
        var frame = FlowPacket.Build(flow, number, bytes, ecn);
        Start(frame, out var segmenter);
        return queue.Enqueue(0, segmenter, frame, isBegun: false, now);
    }

    private static void Check(FairQueue queue, int[] last)
    {
        var flow = FlowPacket.FlowOf(queue.HeadFrame);
        var number = FlowPacket.NumberOf(queue.HeadFrame);
        Assert.True(number > last[flow], "a flow's packets changed places");
        Assert.Equal(flow, queue.Head.Network);
        last[flow] = number;
    }

    /// <summary>A UDP super-packet of equal packets.</summary>
    private static byte[] SuperFrame(int packets, int payloadBytes) => FlowPacket.Build(0, 0, 28 + (packets * payloadBytes));

    private static void Start(byte[] frame, out Segmenter segmenter, int segmentBytes = 0)
    {
        var header = segmentBytes == 0
            ? default
            : new VirtioNetHeader { GsoType = VirtioGsoType.UdpL4, SegmentBytes = (ushort)segmentBytes };
        Assert.True(Segmenter.Start(header, frame, out segmenter));
    }
}
