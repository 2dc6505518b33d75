namespace VibePN.Quic.Tests;

public sealed class PathMtuTests
{
    private const int Base = 1200;
    private const ulong Millisecond = LossyPath.Millisecond;
    private const ulong Second = 1000 * Millisecond;

    private static readonly ushort[] Sizes = [1232, 1252, 1352, 1372, 1452, 1472, 4052, 8952, 8972];

    [Fact]
    public void Discovered_Sizes_AreUsedAsFound()
    {
        var mtu = new PathMtu(Base, Sizes);
        Assert.Equal(Base, mtu.Bytes);
        mtu.OnDiscovered(1452);
        mtu.OnDiscovered(1252);

        Assert.Equal(1452, mtu.Bytes);
        Assert.False(mtu.IsCapped);
        Assert.Equal(ulong.MaxValue, mtu.Deadline);
        mtu.Reset(Base);
        Assert.Equal(Base, mtu.Bytes);
    }

    [Theory]
    [InlineData(1452, 1272, 1252, 1)]
    [InlineData(1452, 1272, 1252, 10)]
    [InlineData(1452, 1272, 1252, 50)]
    [InlineData(1452, 1272, 1252, 300)]
    [InlineData(8972, 1472, 1472, 20)]
    [InlineData(8972, 5000, 4052, 20)]
    [InlineData(1472, 1210, 1200, 20)]
    public void BlackHole_LargeAndSmallPackets_CappedWithinThreeRoundTripsAndAFewPackets(int top, int limit, int expected, int roundTripMs)
    {
        var roundTrip = (ulong)roundTripMs * Millisecond;
        var start = ulong.MaxValue;
        var mtu = Discovered(top);
        var path = new LossyPath(mtu, roundTrip, (bytes, now) => now < start || bytes <= limit);
        var pause = roundTrip / 20;
        for (var i = 0; i < 200; i++)
        {
            Step(path, i, top, pause);
        }

        Assert.Equal(top, mtu.Bytes);
        Assert.Equal(0, path.ProbesSent);
        start = path.Now;
        for (var i = 0; mtu.BlackHoles == 0; i++)
        {
            Step(path, i, top, pause);
            Assert.True(path.Now - start <= (3 * roundTrip) + (8 * pause), "too late");
        }

        path.Run(roundTrip);
        Assert.Equal(expected, mtu.Bytes);
        Assert.True(mtu.IsCapped);

        // What is as large as the cap allows goes on without another alarm.
        for (var i = 0; i < 500; i++)
        {
            Step(path, i, mtu.Bytes, pause);
        }

        Assert.Equal(expected, mtu.Bytes);
        Assert.Equal(1, mtu.BlackHoles);

        static void Step(LossyPath path, int i, int large, ulong pause)
        {
            path.Send(i % 5 == 4 ? 100 : large);
            path.Run(pause);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    [InlineData(200)]
    public void BlackHole_OnlyLargePackets_CappedByProbesAfterTheTimeout(int roundTripMs)
    {
        // One window, all of it lost: the first answer is that to the connection's own ping.
        var roundTrip = (ulong)roundTripMs * Millisecond;
        var mtu = Discovered(1452);
        var path = new LossyPath(mtu, roundTrip, (bytes, _) => bytes <= 1272);
        var start = path.Now;
        for (var i = 0; i < 20; i++)
        {
            path.Send(1452);
        }

        while (mtu.BlackHoles == 0)
        {
            path.Run(Millisecond);
            Assert.True(path.Now - start < (4 * roundTrip) + (60 * Millisecond), "too late");
        }

        path.Run(roundTrip);
        Assert.Equal(1252, mtu.Bytes);
    }

    [Fact]
    public void BlackHole_SlowFlow_CappedAfterAFewLosses()
    {
        // Nothing but a retransmission now and then.
        var mtu = Discovered(1452);
        var path = new LossyPath(mtu, 20 * Millisecond, (bytes, _) => bytes <= 1272);
        for (var i = 0; i <= PathMtu.SuspectLosses; i++)
        {
            path.Send(1400);
            path.Run(300 * Millisecond);
        }

        Assert.Equal(1252, mtu.Bytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(10)]
    public void Recovery_PathGrowsAgain_UsedWithinAMinute(int percent)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var limit = 1272;
            var mtu = Discovered(1452);
            var path = new LossyPath(mtu, 40 * Millisecond, (bytes, _) => bytes <= limit && random.Next(100) >= percent);
            Run(path, mtu, (ulong)random.Next(1, 200) * Second / 2);
            Assert.True(mtu.Bytes is >= Base and <= 1252, $"not capped (seed {seed})");
            Assert.True(mtu.IsCapped, $"not capped (seed {seed})");
            limit = 1472;
            var before = path.Now;
            while (mtu.IsCapped)
            {
                Run(path, mtu, Second / 2);
                Assert.True(path.Now - before <= 60 * Second, $"still capped (seed {seed})");
            }

            Assert.Equal(1452, mtu.Bytes);
            Run(path, mtu, 20 * Second);
            Assert.False(mtu.IsCapped, $"capped again (seed {seed})");
        }
    }

    [Fact]
    public void Recovery_PathStaysSmall_ProbesBecomeFewer()
    {
        var mtu = Discovered(1452);
        var path = new LossyPath(mtu, 20 * Millisecond, (bytes, _) => bytes <= 1272);
        Run(path, mtu, 100 * Second);
        var early = path.ProbesSent;
        Run(path, mtu, 300 * Second);

        // Three tries of one size every 30 s.
        Assert.InRange(path.ProbesSent - early, 24, 33);
        Assert.Equal(1252, mtu.Bytes);
        Assert.Equal(1, mtu.BlackHoles);
    }

    [Fact]
    public void Flapping_ProbesPassButLoadDoesNot_RaisedEverMoreRarely()
    {
        var mtu = Discovered(1452);
        var sent = 0;
        var path = new LossyPath(mtu, 20 * Millisecond, (bytes, _) => bytes <= 1272 || ++sent % 20 >= 18);
        Run(path, mtu, 600 * Second);

        Assert.InRange(mtu.BlackHoles, 1, 30);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(10)]
    public void RandomLoss_AMillionConnections_NoCap(int percent)
    {
        // Half a million each. Fates are told in order, a loss behind the third packet sent later: as the connection does it.
        const int Trials = 500_000, Packets = 40;
        var caps = 0;
        var suspicions = 0;
        var random = new SplitMix((ulong)percent);
        var sizes = new int[Packets * 4];
        var lost = new bool[Packets * 4];
        var mtu = new PathMtu(Base, Sizes);
        for (var trial = 0; trial < Trials; trial++)
        {
            mtu.Reset(1452);
            var black = mtu.BlackHoles;
            var sent = 0;
            var suspected = false;
            for (var reported = 0; reported < Packets; reported++)
            {
                var now = Second + ((ulong)reported * Millisecond);
                while (sent < reported + 10 && sent < sizes.Length)
                {
                    var probe = mtu.NextProbe(now);
                    if (probe > 0)
                    {
                        mtu.OnProbeSent(now, Second);
                    }

                    sizes[sent] = probe > 0 ? probe : random.Next(4) == 0 ? 90 : 1452;
                    lost[sent++] = random.Next(100) < percent;
                }

                if (reported >= 3 && lost[reported - 3])
                {
                    mtu.OnLost(sizes[reported - 3], SentAt(reported - 3), now);
                }

                if (!lost[reported])
                {
                    mtu.OnAcked(sizes[reported], SentAt(reported), now);
                }

                suspected |= mtu.State == PathMtuState.Suspect;
            }

            caps += mtu.BlackHoles - black;
            suspicions += suspected ? 1 : 0;
        }

        Assert.Equal(0, caps);
        Assert.True(percent < 10 || suspicions > 0, "the trials are too easy to mean anything");

        static ulong SentAt(int packet) => Second + ((ulong)Math.Max(packet - 9, 0) * Millisecond);
    }

    [Fact]
    public void Outage_AllSizesLostForAWhile_NoCap()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var from = (1000 + (ulong)random.Next(2000)) * Millisecond;
            var length = (ulong)random.Next(1, 3000) * Millisecond;
            var mtu = Discovered(1452);
            var path = new LossyPath(
                mtu, (ulong)random.Next(1, 200) * Millisecond, (_, now) => (now < from || now > from + length) && random.Next(100) >= 2);
            Run(path, mtu, 8 * Second);

            Assert.True(mtu.BlackHoles == 0, $"capped after an outage (seed {seed})");
            Assert.Equal(1452, mtu.Bytes);
        }
    }

    [Fact]
    public void RandomEvents_AnyOrder_InvariantsHold()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var mtu = new PathMtu(Base, Sizes);
            var now = 0UL;
            for (var i = 0; i < 2000; i++)
            {
                now += (ulong)random.Next(0, 50) * Millisecond;
                var bytes = random.Next(3) == 0 ? Sizes[random.Next(Sizes.Length)] : random.Next(0, 70_000);
                var sent = now - Math.Min(now, (ulong)random.Next(0, 500) * Millisecond);
                var before = mtu.Bytes;
                var changed = false;
                switch (random.Next(8))
                {
                    case 0 when random.Next(20) == 0:
                        mtu.Reset(random.Next(0, 9000));
                        continue;
                    case 0:
                        mtu.OnDiscovered(random.Next(0, 9000));
                        continue;
                    case 1 or 2:
                        changed = mtu.OnAcked(bytes, sent, now);
                        break;
                    case 3 when mtu.NextProbe(now) > 0:
                        mtu.OnProbeSent(now, 50 * Millisecond);
                        break;
                    default:
                        changed = mtu.OnLost(bytes, sent, now);
                        break;
                }

                Assert.Equal(changed, before != mtu.Bytes);
                Assert.True(mtu.Bytes >= Base && mtu.Bytes <= mtu.TopBytes, $"out of range (seed {seed})");
                Assert.True(mtu.State is PathMtuState.Search or PathMtuState.Complete ? mtu.IsCapped : mtu.State == PathMtuState.Suspect || !mtu.IsCapped, $"state (seed {seed})");
                Assert.InRange(mtu.NextProbe(now), 0, mtu.TopBytes);
            }
        }
    }

    [Fact]
    public void DatagramId_AnyTime_ComesBackRoundedDown()
    {
        var random = new Random(1);
        for (var i = 0; i < 10_000; i++)
        {
            var sent = (ulong)random.NextInt64(1L << 60);
            var now = sent + (ulong)random.NextInt64(1_000_000_000_000);
            var size = random.Next(65_536);
            var id = new DatagramId(new DatagramId(size, sent, (uint)i).Value);

            Assert.Equal(size, id.PacketBytes);
            Assert.Equal((uint)i, id.Sequence);
            Assert.InRange(sent - id.SentNanos(now), 0UL, DatagramId.TimeUnitNanos - 1);
        }
    }

    private static PathMtu Discovered(int top)
    {
        var mtu = new PathMtu(Base, Sizes);
        mtu.OnDiscovered(top);
        return mtu;
    }

    /// <summary>Packets as large as may be, a small one between them now and then.</summary>
    private static void Run(LossyPath path, PathMtu mtu, ulong nanos)
    {
        var end = path.Now + nanos;
        for (var i = 0; path.Now < end; i++)
        {
            path.Send(i % 4 == 3 ? 80 : mtu.Bytes);
            path.Run(10 * Millisecond);
        }
    }

    private struct SplitMix(ulong seed)
    {
        private ulong _state = seed;

        public int Next(int bound)
        {
            var z = _state += 0x9e37_79b9_7f4a_7c15;
            z = (z ^ (z >> 30)) * 0xbf58_476d_1ce4_e5b9;
            z = (z ^ (z >> 27)) * 0x94d0_49bb_1331_11eb;
            return (int)((z >> 33) % (ulong)bound);
        }
    }
}
