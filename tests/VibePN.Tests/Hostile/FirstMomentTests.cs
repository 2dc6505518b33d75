using VibePN.Tests.Sim;
using Xunit;

namespace VibePN.Tests.Hostile;

/// <summary>What must pass before anything is known of the path.</summary>
public sealed class FirstMomentTests
{
    [Theory]
    [InlineData(1200)]
    [InlineData(1232)]
    [InlineData(1472)]
    public void IPv6Packet_Of1280Bytes_PassesInTheInstantThePeerIsUp(int maxUdpBytes)
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { MaxUdpBytes = maxUdpBytes };
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        var packet = TestPacket.Udp("fd42::1", "fd42::2", 1280 - 48);
        var back = TestPacket.Udp("fd42::2", "fd42::1", 1280 - 48);

        Assert.NotNull(sim.RunUntil(() => Carries(a, "b"), TimeSpan.FromSeconds(10)));
        a.Send(0, packet);
        Assert.NotNull(sim.RunUntil(() => Carries(b, "a"), TimeSpan.FromSeconds(10)));
        b.Send(0, back);
        sim.Run(TimeSpan.FromMilliseconds(500));

        Assert.Equal(packet, Assert.Single(b.Delivered).Packet);
        Assert.Equal(back, Assert.Single(a.Delivered).Packet);
    }

    [Fact]
    public void IPv6Packet_Of1280Bytes_PassesAPathThatStaysSmall()
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { MaxUdpBytes = 1232 };
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        sim.RunUntil(() => Carries(a, "b") && Carries(b, "a"), TimeSpan.FromSeconds(10));
        sim.Run(TimeSpan.FromSeconds(20));

        a.Send(0, TestPacket.Udp("fd42::1", "fd42::2", 1280 - 48));
        a.Send(0, TestPacket.Udp("fd42::1", "fd42::2", 1281 - 48));
        a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2", 1281 - 28));
        sim.Run(TimeSpan.FromSeconds(1));

        Assert.Equal(1280, Assert.Single(b.Delivered).Packet.Length);
        Assert.Equal(2, a.Delivered.Count);
        var answer6 = a.Delivered[0].Packet;
        Assert.Equal((2, 1280), (answer6[40], (answer6[46] << 8) | answer6[47]));
        var answer4 = a.Delivered[1].Packet;
        Assert.Equal([10, 42, 0, 2], answer4[12..16]);
    }

    private static bool Carries(SimHost host, string peer) => host.Peer(peer) is { Condition: PeerCondition.Up, Networks.Count: > 0 };
}
