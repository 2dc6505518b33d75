using System.Buffers.Binary;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>What a node has proved to a peer outlives its process.</summary>
public sealed class TokenTests
{
    [Fact]
    public void Node_RestartedWhileStrangersFloodItsPeer_ConnectsWithoutARetry()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"), new SimPeer("c"));
        var flood = new RawPeer(sim, "flood", 66);
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), TimeSpan.FromSeconds(5)));
        sim.Run(TimeSpan.FromSeconds(1));
        Assert.Single(a.Node!.Memory.Tokens);
        a.Kill();
        sim.Run(TimeSpan.FromSeconds(2));
        Flood(sim, flood, b);
        sim.Run(TimeSpan.FromMilliseconds(50));
        Assert.Equal(100, (int)b.Snapshot.Endpoint.RetriesSent);

        // The larger of two nodes waits half a second; the flood's second is one from its first packet.
        a.Boot();
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b), TimeSpan.FromMilliseconds(800)));
        Assert.Equal(100, (int)b.Snapshot.Endpoint.RetriesSent);

        // One who was never here is asked.
        sim.Run(TimeSpan.FromSeconds(2));
        Flood(sim, flood, b);
        sim.Run(TimeSpan.FromMilliseconds(50));
        var c = sim.AddHost("c", 3, new SimPeer("b", 2));
        Assert.NotNull(sim.RunUntil(() => c.IsUp(b), TimeSpan.FromMilliseconds(800)));
        Assert.Equal(201, (int)b.Snapshot.Endpoint.RetriesSent);
    }

    /// <summary>First packets of 300 connections that nobody will complete.</summary>
    private static void Flood(SimNetwork sim, RawPeer from, SimHost to)
    {
        for (var i = 0; i < 300; i++)
        {
            var packet = new byte[1200];
            packet[0] = 0xc0;
            packet[4] = 1;
            packet[5] = 18;
            BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(6), i);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(26), 0x4000 | (1200 - 28));
            sim.Carry(from, to.EndPoint, 0, packet);
        }
    }
}
