using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class FlowHashTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_PacketsOfOneFlow_Equal_OfOthers_Different(bool isIPv6)
    {
        var hashes = Enumerable.Range(0, 2000).Select(flow => FlowHash.Of(FlowPacket.Build(flow, 1, 100, 0, isIPv6), 7)).ToList();

        Assert.Equal(2000, hashes.Distinct().Count());
        Assert.All(Enumerable.Range(0, 2000), flow => Assert.Equal(hashes[flow], FlowHash.Of(FlowPacket.Build(flow, 2, 1300, 3, isIPv6), 7)));
    }

    [Fact]
    public void Of_ManyFlows_SpreadOverTheBuckets()
    {
        var counts = new int[64];
        for (var flow = 0; flow < 6400; flow++)
        {
            counts[FlowHash.Of(FlowPacket.Build(flow, 1, 100), 12345) % 64]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 50, 160));
    }

    [Fact]
    public void Of_AnotherSalt_AnotherHash() =>
        Assert.NotEqual(FlowHash.Of(FlowPacket.Build(1, 1, 100), 1), FlowHash.Of(FlowPacket.Build(1, 1, 100), 2));

    [Fact]
    public void Of_FragmentsOfOnePacket_OneFlow()
    {
        // The first has ports, the second has payload there.
        var first = FlowPacket.Build(1, 1, 100);
        var second = FlowPacket.Build(777, 2, 100);
        first[6] = 0x20;
        second[7] = 9;

        Assert.Equal(FlowHash.Of(first, 7), FlowHash.Of(second, 7));
    }

    [Fact]
    public void Of_IPv6Fragments_ByFlowLabel()
    {
        var first = Fragment(label: 5, port: 1);
        Assert.Equal(FlowHash.Of(first, 7), FlowHash.Of(Fragment(label: 5, port: 2), 7));
        Assert.NotEqual(FlowHash.Of(first, 7), FlowHash.Of(Fragment(label: 6, port: 1), 7));

        static byte[] Fragment(byte label, byte port)
        {
            var packet = FlowPacket.Build(0, 0, 100, 0, isIPv6: true);
            packet[3] = label;
            packet[6] = 44;
            packet[40] = 17;
            packet[41] = packet[42] = 0;
            packet[43] = 1;
            packet[48] = port;
            return packet;
        }
    }

    [Fact]
    public void Of_NoPacket_OneFlow()
    {
        Assert.Equal(FlowHash.Of([], 7), FlowHash.Of([0x45, 0, 0], 7));
        var cut = FlowPacket.Build(1, 1, 100).AsSpan(0, 22).ToArray();
        cut[3] = 22;
        Assert.NotEqual(0UL, FlowHash.Of(cut, 7));
    }
}
