using System.Net;
using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class HearsayDialsTests
{
    private const ulong Second = 1_000_000_000;

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8::1", "2001:db8::ffff:0:0:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    public void TryTake_TwoAtAHost_TheThirdWaitsForItsTime(string first, string second, bool isSameHost)
    {
        HearsayDials dials = new();
        IPAddress other = IPAddress.Parse(second);
        Assert.True(dials.TryTake(IPAddress.Parse(first), 10 * Second));
        Assert.True(dials.TryTake(IPAddress.Parse(first), 11 * Second));

        Assert.Equal(!isSameHost, dials.TryTake(other, 12 * Second));
        Assert.True(dials.TryTake(other, 13 * Second));
        Assert.Equal(!isSameHost, dials.TryTake(IPAddress.Parse(first), 13 * Second));
        dials.GiveBack(other);
        Assert.True(dials.TryTake(other, 13 * Second));
    }

    [Fact]
    public void TryTake_AsManyAsThereAre_OneMoreWaits()
    {
        HearsayDials dials = new();
        for (int i = 0; i < HearsayDials.AtOnce; i++)
        {
            Assert.True(dials.TryTake(new IPAddress([10, 0, 0, (byte)i]), Second));
        }

        IPAddress more = IPAddress.Parse("192.0.2.1");
        Assert.False(dials.TryTake(more, Second));
        dials.GiveBack(IPAddress.Parse("10.0.0.7"));
        Assert.True(dials.TryTake(more, Second));
    }
}
