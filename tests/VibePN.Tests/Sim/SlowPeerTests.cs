using VibePN.Linux;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>What waits for one peer's line delays neither another peer nor a small flow to the same one.</summary>
public sealed class SlowPeerTests
{
    private const int LineBytesPerSecond = 250_000;
    private const int Milliseconds = 5_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void SlowPeer_FloodedTwiceItsLine_TheFastOneAndASmallFlowAreNotDelayed(int seed)
    {
        using var sim = new SimNetwork(seed);
        var a = sim.AddHost("a", 1, new SimPeer("fast", 2), new SimPeer("slow", 3));
        var fast = sim.AddHost("fast", 2, new SimPeer("a"));
        var slow = sim.AddHost("slow", 3, new SimPeer("a"));
        sim.SetLink(a, slow, new SimLink { BytesPerSecond = LineBytesPerSecond, QueueBytes = 64 * 1024 });
        sim.Run(TimeSpan.FromSeconds(10));
        fast.Delivered.Clear();
        slow.Delivered.Clear();
        var (late, pings) = (0, 0);
        for (var i = 0; i < Milliseconds; i++)
        {
            if (i % 20 == 0)
            {
                // From another port: a flow of its own.
                a.Send(0, Stamped("10.42.0.2", port: 1));
                a.Send(0, Stamped("10.42.0.3", port: 1));
                pings++;
            }

            a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.3", (2 * LineBytesPerSecond / 1000) - 28));
            sim.Run(TimeSpan.FromMilliseconds(1));
            if (i % 20 == 6)
            {
                // 5 ms of delay, and one until the clock was looked at.
                late += fast.Delivered.Count < pings ? 1 : 0;
            }
        }

        sim.Run(TimeSpan.FromSeconds(1));
        var queue = a.Peer("slow").Queue;
        Assert.Equal(0, late);
        Assert.Equal(pings, fast.Delivered.Count);

        // The queue of the line itself, behind ours, takes no account of flows while the congestion control finds its speed.
        Assert.InRange(slow.Delivered.Count(delivered => delivered.Packet[21] == 1), pings - 5, pings);
        Assert.True(queue.DroppedByCoDel + queue.DroppedFull > 500, $"{queue}");
        Assert.Equal(0UL, a.Peer("fast").Queue.DroppedByCoDel + a.Peer("fast").Queue.DroppedFull);
        Assert.InRange(a.Peer("fast").Queue.MaxWait, TimeSpan.Zero, TimeSpan.FromMilliseconds(2));
    }

    private static byte[] Stamped(string destination, byte port)
    {
        var packet = TestPacket.Udp("10.42.0.1", destination);
        Assert.True(IpHeader.TryParse(packet, out _));
        packet[21] = port;
        return packet;
    }
}
