using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Parity between two nodes: on where it helps and nowhere else, and what each tells the other about it.</summary>
public sealed class ParityTests
{
    private static readonly SimLink Far = new() { Delay = TimeSpan.FromMilliseconds(25) };
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1, 0.01, 16)]
    [InlineData(2, 0.03, 10)]
    [InlineData(3, 0.03, 10)]
    public void Flow_OverALineWithLoss_QuicMissesLittle(int seed, double loss, int group)
    {
        using Pair pair = new(seed, Far with { Loss = loss });
        pair.Talk(5 * Second);
        var before = pair.Quic;
        pair.Talk(10 * Second);
        pair.Sim.Run(Second);

        var lost = pair.Quic.DatagramsLost - before.DatagramsLost;
        var sent = lost + pair.Quic.DatagramsAcked - before.DatagramsAcked;
        var state = $"seed {seed}: {lost} of {sent}; {pair.Out}; {pair.In}";
        Assert.True(lost < sent * loss * 0.6, state);
        Assert.True(pair.Out.Counts.Group == group, state);
        Assert.InRange(pair.Out.Loss, loss * 0.6, loss * 1.5);
        Assert.InRange(pair.In.Counts.Rebuilt, sent * loss * 0.4, sent * loss * 2);
        Assert.True(pair.In.Counts.Unsolved < pair.In.Counts.Rebuilt / 2, state);
        Assert.True(pair.Out.Counts.Written < (pair.Out.Counts.Covered / (ulong)group * 2) + 100, state);
    }

    [Fact]
    public void Line_WithoutLoss_CarriesNothingOfIt()
    {
        using Pair pair = new(4, Far);
        pair.Talk(10 * Second);

        Assert.Equal((0, 0UL, 0UL, 0UL), (pair.Out.Counts.Group, pair.Out.Counts.Covered, pair.Out.Counts.Written, pair.In.Counts.CoveredIn));
    }

    [Fact]
    public void HiddenLoss_KeepsRepairOn_AndItsEndEndsBoth()
    {
        // So little that QUIC sees hardly any of it.
        using Pair pair = new(5, Far with { Loss = 0.01 }) { PacketsPerMillisecond = 1 };
        pair.Talk(5 * Second);
        Assert.True(pair.IsRepairing && pair.Out.Counts.Group > 0);
        var changed = pair.RepairChanged;
        pair.Sim.DefaultLink = Far with { Loss = 0.0015 };
        pair.Talk(60 * Second);
        Assert.True(pair.IsRepairing, $"{pair.Out}; {pair.In}");
        Assert.Equal(changed, pair.RepairChanged);

        pair.Sim.DefaultLink = Far;
        pair.Talk(50 * Second);
        Assert.False(pair.IsRepairing);
        var covered = pair.Out.Counts.Covered;
        pair.Talk(2 * Second);
        Assert.Equal((0, covered), (pair.Out.Counts.Group, pair.Out.Counts.Covered));
    }

    [Fact]
    public void FullQueue_LosesManyInARow_ParityPauses()
    {
        using Pair pair = new(6, Far with { BytesPerSecond = 2_000_000, QueueBytes = 16 * 1024 }) { PacketsPerMillisecond = 6 };
        var on = 0;
        for (var i = 0; i < 300; i++)
        {
            pair.Talk(Second / 10);
            on += pair.Out.Counts.Group > 0 ? 1 : 0;
        }

        var state = $"{on} of 300; {pair.Out}; {pair.In}";
        Assert.True(pair.IsRepairing, state);
        Assert.True(on is > 0 and < 200, state);
    }

    [Fact]
    public void Peer_WithoutTheFeature_GetsNone()
    {
        using SimNetwork sim = new(7);
        var a = sim.AddHost("a", 1, new SimPeer("old"));
        RawPeer old = new(sim, "old", 66) { Features = [1] };
        old.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        sim.DefaultLink = Far with { Loss = 0.02 };
        for (var i = 0; i < 4000; i++)
        {
            a.Send(0, TcpPacket.Build("10.42.0.1", "10.42.0.66", 500));
            sim.Run(TimeSpan.FromMilliseconds(1));
        }

        Assert.True(a.Peer("old").Repair!.IsOn);
        Assert.Null(a.Peer("old").Parity);
    }

    private sealed class Pair : IDisposable
    {
        private readonly SimHost _a;
        private readonly SimHost _b;

        public Pair(int seed, SimLink link)
        {
            Sim = new SimNetwork(seed) { DefaultLink = link with { Loss = 0, BytesPerSecond = 0 } };
            _a = Sim.AddHost("a", 1, new SimPeer("b", 2));
            _b = Sim.AddHost("b", 2, new SimPeer("a"));
            Assert.NotNull(Sim.RunUntil(() => _a.IsUp(_b) && _b.IsUp(_a), TimeSpan.FromSeconds(10)));
            Sim.Run(TimeSpan.FromSeconds(6));
            Sim.DefaultLink = link;
        }

        public SimNetwork Sim { get; }

        public int PacketsPerMillisecond { get; init; } = 4;

        public ParitySnapshot Out => _a.Peer("b").Parity!;

        public ParitySnapshot In => _b.Peer("a").Parity!;

        public Quic.QuicStats Quic => _a.Peer("b").Quic!.Value;

        public bool IsRepairing => _a.Peer("b").Repair!.IsOn;

        public ulong RepairChanged => _a.Peer("b").Repair!.ChangedNanos;

        public void Talk(TimeSpan time)
        {
            var packet = TcpPacket.Build("10.42.0.1", "10.42.0.2", 1000);
            for (var end = Sim.Now.Nanos + (ulong)time.TotalNanoseconds; Sim.Now.Nanos < end;)
            {
                for (var i = 0; i < PacketsPerMillisecond; i++)
                {
                    _a.Send(0, packet);
                }

                Sim.Run(TimeSpan.FromMilliseconds(1));
                _b.Delivered.Clear();
            }
        }

        public void Dispose() => Sim.Dispose();
    }
}
