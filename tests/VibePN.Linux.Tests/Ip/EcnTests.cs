using CsCheck;

namespace VibePN.Linux.Tests;

public sealed class EcnTests
{
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void TryMark_EveryTrafficClass_OnlyTheFieldChangesAndTheChecksumHolds(string source, string destination)
    {
        for (var trafficClass = 0; trafficClass < 256; trafficClass++)
        {
            var packet = Packets.Ip(source, destination, IpProtocol.Udp, Packets.Data(20, trafficClass), trafficClass: (byte)trafficClass);
            var before = packet.ToArray();

            Assert.Equal(trafficClass & 3, Ecn.Of(packet));
            Assert.Equal((trafficClass & 3) != 0, Ecn.TryMark(packet));

            var expected = (trafficClass & 3) == 0 ? before
                : Packets.Ip(source, destination, IpProtocol.Udp, Packets.Data(20, trafficClass), trafficClass: (byte)(trafficClass | 3));
            Assert.Equal(expected, packet);
        }
    }

    [Fact]
    public void TryMark_AnyIPv4Header_ChecksumRight() =>
        Gen.Select(Gen.UShort, Gen.Byte, Gen.Byte).Sample(
            (id, ttl, trafficClass) =>
            {
                var packet = Packets.Ip("10.0.0.1", "192.168.7.9", IpProtocol.Tcp, [], id, ttl: ttl, trafficClass: trafficClass);
                Ecn.TryMark(packet);
                Assert.Equal(0xffff, Packets.HeaderSum(packet));
            },
            iter: 100_000);

    [Fact]
    public void TryMark_GoldenHeader_GoldenBytes()
    {
        var packet = Convert.FromHexString("4502002800014000400626cb0a0000010a000002");
        Assert.Equal(0xffff, Packets.HeaderSum(packet));

        Assert.True(Ecn.TryMark(packet));
        Assert.Equal("4503002800014000400626ca0a0000010a000002", Convert.ToHexStringLower(packet));
    }

    [Theory]
    [InlineData("")]
    [InlineData("45")]
    [InlineData("4503002800014000400626ca0a0000010a0000")]
    [InlineData("603000000000000000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("5503002800014000400626ca0a0000010a000002")]
    public void Of_NoPacket_NotCapableAndUnchanged(string hex)
    {
        var packet = Convert.FromHexString(hex);

        Assert.Equal(Ecn.NotCapable, Ecn.Of(packet));
        Assert.False(Ecn.TryMark(packet));
        Assert.Equal(hex, Convert.ToHexStringLower(packet));
    }

    [Fact]
    public void Mark_SuperPacket_EverySegmentIsMarkedWithARightChecksum()
    {
        var frame = Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Ack, Packets.Data(5000, 1), trafficClass: Ecn.Capable0);
        Assert.True(Segmenter.Start(new VirtioNetHeader { GsoType = VirtioGsoType.TcpV4, SegmentBytes = 1000 }, frame, out var segmenter));
        Assert.True(Ecn.TryMark(frame));
        var segments = 0;
        for (; segmenter.TryNext(frame, out var header, out _); segments++)
        {
            Assert.Equal(Ecn.Congestion, Ecn.Of(header));
            Assert.Equal(0xffff, Packets.HeaderSum(header));
        }

        Assert.Equal(5, segments);
    }
}
