using VibePN.Capture;
using Xunit;

namespace VibePN.Tests.Sim;

public sealed class CaptureTests
{
    private static readonly CaptureFilter s_all = new(null, null, false, CaptureFilter.MaxSnapBytes);

    [Fact]
    public void Capture_OfTraffic_HasWhatPassedOnBothSidesAndWhatWasDroppedAndWhy()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Connect(sim);
        var (atA, atB) = (Look(a, s_all), Look(b, s_all));
        var good = TestPacket.Udp("10.42.0.1", "10.42.0.2");
        a.Send(0, good);
        a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.99"));
        a.Send(0, TestPacket.Udp("10.42.0.1", "224.0.0.1"));
        a.Send(0, TestPacket.Udp("10.42.0.77", "10.42.0.2"));
        a.Send(0, [0x45, 0]);
        sim.Run(TimeSpan.FromSeconds(1));

        Assert.Equal(
            [
                "in from this node, network corp",
                "out to peer b, network corp",
                "out to peer b, network corp",
                "out, network corp, dropped: outMalformed (the host wrote no whole IP packet)",
                "out, network corp, dropped: outMulticast (multicast and broadcast are not carried)",
                "out, network corp, dropped: outNoRoute (no peer owns the destination)",
            ],
            Take(atA, out var first).Order(StringComparer.Ordinal));
        Assert.Equal(good, first);
        Assert.Equal(
            [
                "in from peer a, network corp",
                "in from peer a, network corp, dropped: inSourceNotOwned (the peer does not own the source address)",
            ],
            Take(atB, out first));
        Assert.Equal(good, first);
    }

    [Fact]
    public void Capture_WithAFilter_HasNothingElse()
    {
        using var sim = new SimNetwork(1);
        var (a, b) = Connect(sim);
        foreach (var (filter, expected) in new[] { (s_all with { DroppedOnly = true }, 2), (s_all with { Peer = "c" }, 0), (s_all with { Peer = "b" }, 1), (s_all with { Network = "x" }, 0) })
        {
            var ring = Look(a, filter);
            a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2"));
            a.Send(0, TestPacket.Udp("10.42.0.1", "224.0.0.1"));
            a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.99"));
            sim.Run(TimeSpan.FromSeconds(1));
            Assert.Equal(expected, Take(ring, out _).Count);
        }
    }

    [Fact]
    public void Capture_OfAPeerThatGoes_HasWhatWaitedForIt()
    {
        using var sim = new SimNetwork(1) { DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(20) } };
        var (a, b) = Connect(sim);
        b.Sleep();
        var ring = Look(a, s_all with { DroppedOnly = true, SnapBytes = 20 });
        for (var i = 0; i < 400; i++)
        {
            a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2", 1200));
            sim.Run(TimeSpan.FromMilliseconds(100));
        }

        var comments = Take(ring, out var first);
        Assert.Contains("out to peer b, network corp, dropped: outPeerDown (the peer is not connected or not in this network)", comments);
        Assert.Equal(20, first.Length);
        Assert.Equal((ulong)comments.Count, a.Snapshot.Networks[0].Drops.Values.Aggregate((one, two) => one + two));
    }

    private static (SimHost A, SimHost B) Connect(SimNetwork sim)
    {
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), TimeSpan.FromSeconds(10)));
        sim.Run(TimeSpan.FromSeconds(1));
        return (a, b);
    }

    private static CaptureRing Look(SimHost host, CaptureFilter filter) => host.Node!.Capture = new CaptureRing(filter);

    /// <summary>The comments, and the first packet's bytes.</summary>
    private static List<string> Take(CaptureRing ring, out byte[] first)
    {
        List<string> comments = [];
        first = [];
        while (ring.TryPeek(out var packet, out var bytes))
        {
            first = comments.Count == 0 ? bytes.ToArray() : first;
            comments.Add(PcapngWriter.CommentOf(packet));
            ring.Release();
        }

        return comments;
    }
}
