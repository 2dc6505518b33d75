using System.Net;

namespace VibePN.Linux.Tests;

public sealed class IpHeaderTests
{
    [Fact]
    public void TryParse_V4_ReadsEverything()
    {
        var packet = Packets.Ip("10.1.2.3", "192.0.2.9", IpProtocol.Udp, new byte[8], trafficClass: 0xb9);

        Assert.True(IpHeader.TryParse(packet, out var ip));
        Assert.Equal(4, ip.Version);
        Assert.Equal("10.1.2.3", new IPAddress(ip.Source).ToString());
        Assert.Equal("192.0.2.9", new IPAddress(ip.Destination).ToString());
        Assert.Equal(IpProtocol.Udp, ip.Protocol);
        Assert.Equal(20, ip.PayloadOffset);
        Assert.Equal(0xb9, ip.TrafficClass);
        Assert.Equal(28, ip.TotalLength);
        Assert.True(ip.DontFragment);
        Assert.False(ip.IsFragment);
        Assert.False(ip.HasOptions);
    }

    [Fact]
    public void TryParse_V4Options_AreSkipped()
    {
        byte[] packet = [0x46, 0, 0, 25, 0, 0, 0, 0, 64, 6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 1, 0, 99];

        Assert.True(IpHeader.TryParse(packet, out var ip));
        Assert.Equal(24, ip.PayloadOffset);
        Assert.True(ip.HasOptions);
        Assert.False(ip.DontFragment);
    }

    [Theory]
    [InlineData(0x2000, true, true)]
    [InlineData(0x2001, true, false)]
    [InlineData(0x0001, true, false)]
    [InlineData(0x4000, false, false)]
    [InlineData(0x8000, false, false)]
    public void TryParse_V4Fragments_AreToldApart(int field, bool isFragment, bool isFirst)
    {
        var packet = Packets.Ip("10.1.2.3", "192.0.2.9", IpProtocol.Udp, new byte[8]);
        packet[6] = (byte)(field >> 8);
        packet[7] = (byte)field;

        Assert.True(IpHeader.TryParse(packet, out var ip));
        Assert.Equal(isFragment, ip.IsFragment);
        Assert.Equal(isFirst, ip.IsFirstFragment);
    }

    [Fact]
    public void TryParse_V6_ReadsEverything()
    {
        var packet = Packets.Ip("fd00::1", "2001:db8::2", IpProtocol.Tcp, new byte[20], trafficClass: 0x03);

        Assert.True(IpHeader.TryParse(packet, out var ip));
        Assert.Equal(6, ip.Version);
        Assert.Equal("fd00::1", new IPAddress(ip.Source).ToString());
        Assert.Equal("2001:db8::2", new IPAddress(ip.Destination).ToString());
        Assert.Equal(IpProtocol.Tcp, ip.Protocol);
        Assert.Equal(40, ip.PayloadOffset);
        Assert.Equal(3, ip.TrafficClass);
        Assert.Equal(60, ip.TotalLength);
        Assert.True(ip.DontFragment);
        Assert.False(ip.IsFragment);
    }

    [Fact]
    public void TryParse_V6ExtensionHeaders_AreWalked()
    {
        // Hop-by-hop (16 bytes), routing (8), fragment with offset 0 and more, then UDP.
        byte[] payload = [43, 1, .. new byte[14], 44, 0, .. new byte[6], 17, 0, 0, 1, 1, 2, 3, 4, .. new byte[8]];
        Assert.True(IpHeader.TryParse(Packets.Ip("fd00::1", "fd00::2", IpProtocol.HopByHop, payload), out var ip));
        Assert.Equal(IpProtocol.Udp, ip.Protocol);
        Assert.Equal(40 + 32, ip.PayloadOffset);
        Assert.True(ip.IsFragment);
        Assert.True(ip.IsFirstFragment);
        Assert.True(ip.HasOptions);
    }

    [Fact]
    public void TryParse_V6LaterFragment_StopsAtItsData()
    {
        // "Destination options" comes next, but of a later fragment these bytes are data.
        byte[] payload = [60, 0, 0, 9, 1, 2, 3, 4, 255, 255, 255, 255];
        Assert.True(IpHeader.TryParse(Packets.Ip("fd00::1", "fd00::2", IpProtocol.Fragment, payload), out var ip));
        Assert.True(ip.IsFragment);
        Assert.False(ip.IsFirstFragment);
        Assert.Equal(IpProtocol.DestinationOptions, ip.Protocol);
        Assert.Equal(48, ip.PayloadOffset);
    }

    [Fact]
    public void TryParse_V6TooManyOrTruncatedExtensionHeaders_IsRefused()
    {
        byte[] hop = [60, 0, 0, 0, 0, 0, 0, 0];
        byte[] nine = [.. Enumerable.Repeat(hop, 9).SelectMany(x => x)];
        Assert.False(IpHeader.TryParse(Packets.Ip("fd00::1", "fd00::2", IpProtocol.DestinationOptions, nine), out _));
        Assert.False(IpHeader.TryParse(Packets.Ip("fd00::1", "fd00::2", IpProtocol.DestinationOptions, [17, 1, 0, 0, 0, 0, 0, 0]), out _));
        Assert.False(IpHeader.TryParse(Packets.Ip("fd00::1", "fd00::2", IpProtocol.DestinationOptions, [17, 0, 0]), out _));
        byte[] twoFragments = [44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0];
        Assert.False(IpHeader.TryParse(Packets.Ip("fd00::1", "fd00::2", IpProtocol.Fragment, twoFragments), out _));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void TryParse_LengthThatDoesNotFit_IsRefused(string source, string destination)
    {
        var packet = Packets.Udp(source, destination, 1, 2, new byte[10]);
        for (var length = 0; length < packet.Length; length++)
        {
            Assert.False(IpHeader.TryParse(packet.AsSpan(0, length), out _), $"{length} bytes");
        }

        Assert.False(IpHeader.TryParse([.. packet, 0], out _));
    }

    [Fact]
    public void TryParse_RandomBytes_StaysInside()
    {
        for (var seed = 0; seed < 50_000; seed++)
        {
            var random = new Random(seed);
            var packet = new byte[random.Next(0, 120)];
            random.NextBytes(packet);
            if (packet.Length >= 40)
            {
                packet[0] = (byte)(random.Next(2) == 0 ? 0x45 : 0x60);
                var length = packet[0] == 0x45 ? packet.Length : packet.Length - 40;
                packet[packet[0] == 0x45 ? 3 : 5] = (byte)length;
                packet[packet[0] == 0x45 ? 2 : 4] = 0;
                packet[6] = random.Next(2) == 0 ? (byte)new[] { 0, 43, 44, 51, 60, 135 }[random.Next(6)] : packet[6];
            }

            if (IpHeader.TryParse(packet, out var ip))
            {
                Assert.True(ip.PayloadOffset <= packet.Length && ip.TotalLength == packet.Length, $"seed {seed}");
            }
        }
    }
}
