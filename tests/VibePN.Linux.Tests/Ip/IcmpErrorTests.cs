using System.Net;

namespace VibePN.Linux.Tests;

public sealed class IcmpErrorTests
{
    private static readonly byte[] _routerV4 = IPAddress.Parse("10.0.0.254").GetAddressBytes();
    private static readonly byte[] _routerV6 = IPAddress.Parse("fd00::fe").GetAddressBytes();

    [Fact]
    public void PacketTooBig_V4_Golden()
    {
        var packet = Packets.Udp("10.0.0.1", "10.9.0.2", 1000, 2000, [1, 2, 3, 4]);

        var answer = Build(buffer => IcmpError.PacketTooBig(packet, _routerV4, 1300, buffer));

        Assert.Equal(
            "45c0003c000000004001" + "6503" + "0a0000fe0a000001" + "0304" + "0c11" + "00000514" + Convert.ToHexStringLower(packet),
            Convert.ToHexStringLower(answer));
        Assert.Equal(0xffff, Packets.Sum(answer.AsSpan(20)));
        Assert.Equal(0xffff, Packets.HeaderSum(answer));
    }

    [Fact]
    public void PacketTooBig_V6_Golden()
    {
        var packet = Packets.Udp("fd00::1", "fd09::2", 1000, 2000, [1, 2, 3, 4]);

        var answer = Build(buffer => IcmpError.PacketTooBig(packet, _routerV6, 1300, buffer));

        Assert.Equal(0xffff, Packets.TransportSum(answer));
        Assert.Equal("60000000003c3a40" + "fd0000000000000000000000000000fe" + "fd000000000000000000000000000001" + "0200", Convert.ToHexStringLower(answer)[..84]);
        Assert.Equal("00000514" + Convert.ToHexStringLower(packet), Convert.ToHexStringLower(answer)[88..]);
    }

    [Theory]
    [InlineData(IcmpUnreachable.Host, 1, 3)]
    [InlineData(IcmpUnreachable.Administrative, 13, 1)]
    public void Unreachable_BothFamilies_HasTheCodeOfTheReason(IcmpUnreachable reason, byte v4Code, byte v6Code)
    {
        var v4 = Build(buffer => IcmpError.Unreachable(Packets.Udp("10.0.0.1", "10.9.0.2", 1, 2, []), _routerV4, reason, buffer));
        var v6 = Build(buffer => IcmpError.Unreachable(Packets.Udp("fd00::1", "fd09::2", 1, 2, []), _routerV6, reason, buffer));

        Assert.Equal([3, v4Code], v4[20..22]);
        Assert.Equal(0xffff, Packets.Sum(v4.AsSpan(20)));
        Assert.Equal(0xffff, Packets.HeaderSum(v4));
        Assert.Equal([1, v6Code], v6[40..42]);
        Assert.Equal(0xffff, Packets.TransportSum(v6));
    }

    [Fact]
    public void Build_LongPacket_QuotesUpToTheLimit()
    {
        var v4 = Build(buffer => IcmpError.PacketTooBig(Packets.Udp("10.0.0.1", "10.9.0.2", 1, 2, Packets.Data(9001, 1)), _routerV4, 1300, buffer));
        var v6 = Build(buffer => IcmpError.PacketTooBig(Packets.Udp("fd00::1", "fd09::2", 1, 2, Packets.Data(9001, 1)), _routerV6, 1300, buffer));

        Assert.Equal(576, v4.Length);
        Assert.Equal(1280, v6.Length);
        Assert.True(IpHeader.TryParse(v4, out _) && IpHeader.TryParse(v6, out _));
        Assert.Equal(0xffff, Packets.Sum(v4.AsSpan(20)));
        Assert.Equal(0xffff, Packets.TransportSum(v6));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void PacketTooBig_SuperPacketBeingSegmented_QuotesTheSegment(string source, string destination)
    {
        var frame = Packets.Tcp(source, destination, 1, Packets.Ack, Packets.Data(5000, 1));
        var isV4 = frame[0] >> 4 == 4;
        var type = isV4 ? VirtioGsoType.TcpV4 : VirtioGsoType.TcpV6;
        Assert.True(Segmenter.Start(SegmenterTests.Header(type, 1300, isV4 ? 20 : 40, 16), frame, out var segmenter));
        Assert.True(segmenter.TryPeek(frame, out var header, out _));

        var answer = Build(buffer => IcmpError.PacketTooBig(frame, isV4 ? _routerV4 : _routerV6, 1200, buffer));

        Assert.True(answer.AsSpan(isV4 ? 28 : 48).StartsWith(header));
        Assert.Equal(isV4 ? 576 : 1280, answer.Length);
    }

    [Theory]
    [InlineData("10.0.0.1", "224.0.0.5", 17, "00")]
    [InlineData("10.0.0.1", "255.255.255.255", 17, "00")]
    [InlineData("0.0.0.0", "10.0.0.2", 17, "00")]
    [InlineData("239.1.1.1", "10.0.0.2", 17, "00")]
    [InlineData("10.0.0.1", "10.0.0.2", 1, "0301")]
    [InlineData("10.0.0.1", "10.0.0.2", 1, "0b00")]
    [InlineData("10.0.0.1", "10.0.0.2", 1, "")]
    [InlineData("fd00::1", "ff02::1", 17, "00")]
    [InlineData("::", "fd00::2", 17, "00")]
    [InlineData("fd00::1", "fd00::2", 58, "0200")]
    [InlineData("fd00::1", "fd00::2", 58, "8900")]
    [InlineData("fd00::1", "fd00::2", 58, "")]
    public void Build_NoAnswerIsDue_GivesNone(string source, string destination, byte protocol, string payload)
    {
        var packet = Packets.Ip(source, destination, protocol, Convert.FromHexString(payload));
        Assert.Empty(Build(buffer => IcmpError.PacketTooBig(packet, packet[0] >> 4 == 4 ? _routerV4 : _routerV6, 1300, buffer)));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(0)]
    public void Build_Echo_IsAnswered(byte type)
    {
        var packet = Packets.IcmpEcho("10.0.0.1", "10.0.0.2", type, []);
        Assert.NotEmpty(Build(buffer => IcmpError.PacketTooBig(packet, _routerV4, 1300, buffer)));
    }

    [Fact]
    public void Build_LaterFragmentOrGarbage_GivesNone()
    {
        var later = Packets.Udp("10.0.0.1", "10.0.0.2", 1, 2, new byte[16]);
        later[7] = 2;
        Assert.Empty(Build(buffer => IcmpError.PacketTooBig(later, _routerV4, 1300, buffer)));
        Assert.Empty(Build(buffer => IcmpError.PacketTooBig([], _routerV4, 1300, buffer)));
        Assert.Empty(Build(buffer => IcmpError.Unreachable([0x45, 0], _routerV4, IcmpUnreachable.Host, buffer)));
        Assert.Empty(Build(buffer => IcmpError.Unreachable([0x99], _routerV6, IcmpUnreachable.Host, buffer)));
    }

    private static byte[] Build(Func<byte[], int> build)
    {
        var buffer = new byte[IcmpError.MaxBytes];
        return buffer[..build(buffer)];
    }
}
