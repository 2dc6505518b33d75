using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Loss repair between two nodes over a line that loses some packets: TCP comes whole and in order, everything else as always.</summary>
public sealed class RepairTests
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    [Theory]
    [InlineData(1, 0.01)]
    [InlineData(2, 0.01)]
    [InlineData(3, 0.03)]
    [InlineData(4, 0.03)]
    public void TcpFlow_OverALineWithLoss_ArrivesWholeAndInOrder(int seed, double loss)
    {
        using Pair pair = new(seed, new SimLink { Delay = TimeSpan.FromMilliseconds(25), Loss = loss });
        pair.Talk(TimeSpan.FromSeconds(3));
        Assert.True(pair.A.Peer("b").Repair!.IsOn, $"repair is off with seed {seed}");
        var first = pair.Sent;

        pair.Talk(TimeSpan.FromSeconds(5));
        pair.Sim.Run(TimeSpan.FromSeconds(1));
        pair.Collect();

        var numbers = pair.Received.Where(number => number >= first).ToList();
        Assert.True(numbers.SequenceEqual(numbers.Order()), $"out of order with seed {seed}");
        Assert.Equal(numbers.Distinct().Count(), numbers.Count);
        Assert.True(numbers.Count >= (pair.Sent - first) * 0.999, $"{numbers.Count} of {pair.Sent - first} with seed {seed}: {pair}");
        Assert.True(pair.A.Peer("b").Repair!.Resent > 0);
        Assert.True(pair.B.Peer("a").Repair!.Repaired > 0);
        Assert.Equal(0, pair.B.Peer("a").Repair!.Held);
    }

    /// <summary>Two nodes, and a TCP-shaped flow from one to the other.</summary>
    private sealed class Pair : IDisposable
    {
        private const int PacketsPerMillisecond = 4;

        private readonly byte[] _packet = TcpPacket.Build("10.42.0.1", "10.42.0.2", 1000);

        public Pair(int seed, SimLink link)
        {
            Sim = new SimNetwork(seed);
            A = Sim.AddHost("a", 1, new SimPeer("b", 2));
            B = Sim.AddHost("b", 2, new SimPeer("a"));
            Sim.DefaultLink = link with { Loss = 0 };
            Assert.NotNull(Sim.RunUntil(() => A.IsUp(B) && B.IsUp(A), TimeSpan.FromSeconds(10)));
            Sim.DefaultLink = link;
        }

        public SimNetwork Sim { get; }

        public SimHost A { get; }

        public SimHost B { get; }

        public int Sent { get; private set; }

        public List<int> Received { get; } = [];

        public void Talk(TimeSpan time)
        {
            for (var end = Sim.Now.Nanos + (ulong)time.TotalNanoseconds; Sim.Now.Nanos < end;)
            {
                for (var i = 0; i < PacketsPerMillisecond; i++)
                {
                    TcpPacket.Number(_packet, Sent++);
                    A.Send(0, _packet);
                }

                Sim.Run(Millisecond);
                Collect();
            }
        }

        public void Collect()
        {
            Received.AddRange(B.Delivered.Where(one => one.Packet[9] == 6).Select(one => TcpPacket.NumberOf(one.Packet)));
            B.Delivered.RemoveAll(one => one.Packet[9] == 6);
        }

        public override string ToString() =>
            $"{A.Peer("b").Repair}, {B.Peer("a").Repair}, {string.Join(' ', A.Snapshot.Drops)}, {string.Join(' ', B.Snapshot.Drops)}, {A.Peer("b").Quic}";

        public void Dispose() => Sim.Dispose();
    }
}
