using System.Net;
using VibePN.Metrics;
using Xunit;

namespace VibePN.Tests.Metrics;

public sealed class HostHeaderTests
{
    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LocalHost.", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.8.9.1", true)]
    [InlineData("[::1]", true)]
    [InlineData("::1", true)]
    [InlineData("192.0.2.7", true)]
    [InlineData("[::ffff:192.0.2.7]", true)]
    [InlineData("host7", true)]
    [InlineData("HOST7.", true)]
    [InlineData("192.0.2.8", false)]
    [InlineData("host7.attacker.example", false)]
    [InlineData("localhost.attacker.example", false)]
    [InlineData("attacker.example", false)]
    [InlineData("[attacker.example]", false)]
    [InlineData(".", false)]
    [InlineData("", false)]
    public void Name_InARequest_IsOursOrRefused(string host, bool expected)
    {
        Assert.Equal(expected, HostHeader.MeansThisHost(host, IPAddress.Parse("::ffff:192.0.2.7"), "host7"));
        Assert.Equal(expected, HostHeader.MeansThisHost(host, IPAddress.Parse("192.0.2.7"), "host7"));
    }
}
