using System.Net;
using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Config;

public sealed class NamesTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("0-", true)]
    [InlineData("abcdefghijklmnopqrstuvwxyz012345", true)]
    [InlineData("abcdefghijklmnopqrstuvwxyz0123456", false)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("A", false)]
    [InlineData("a_b", false)]
    [InlineData("é", false)]
    public void IsValid_FollowsTheRule(string name, bool valid) => Assert.Equal(valid, Names.IsValid(name));

    [Theory]
    [InlineData("Web_01.example.org", "web-01")]
    [InlineData("", "node")]
    [InlineData("___", "node")]
    [InlineData("host", "host")]
    public void Tame_GivesAValidName(string text, string tame)
    {
        Assert.Equal(tame, Names.Tame(text));
        Assert.True(Names.IsValid(Names.Tame(text)));
    }

    /// <summary>printf %s twelve-chars | sha256sum begins with the four digits.</summary>
    [Theory]
    [InlineData("corp", "vpn-corp")]
    [InlineData("elevenchars", "vpn-elevenchars")]
    [InlineData("twelve-chars", "vpn-twelve-8dd1")]
    public void InterfaceOf_FitsTheKernelsLimit(string network, string expected)
    {
        Assert.Equal(expected, Names.InterfaceOf(network));
        Assert.True(Names.IsInterface(Names.InterfaceOf(network)));
    }

    [Theory]
    [InlineData("10.42.0.0/24", "10.42.0.1", true)]
    [InlineData("10.42.0.0/24", "10.42.0.0", false)]
    [InlineData("10.42.0.0/24", "10.42.0.255", false)]
    [InlineData("10.42.0.0/24", "10.42.1.1", false)]
    [InlineData("10.42.0.0/31", "10.42.0.0", true)]
    [InlineData("10.42.0.7/32", "10.42.0.7", true)]
    [InlineData("fd42::/64", "fd42::", false)]
    [InlineData("fd42::/64", "fd42::1", true)]
    [InlineData("fd42::/64", "10.42.0.1", false)]
    public void IsHost_ExcludesNetworkAndBroadcast(string prefix, string address, bool host) =>
        Assert.Equal(host, IpText.IsHost(IPNetwork.Parse(prefix), IPAddress.Parse(address)));

    [Theory]
    [InlineData("[::]:51820", "[::]:51820")]
    [InlineData(":0", "[::]:0")]
    [InlineData("127.0.0.1:9000", "127.0.0.1:9000")]
    [InlineData("::1:9000", null)]
    [InlineData("[127.0.0.1]:9000", null)]
    [InlineData("127.0.0.1:70000", null)]
    [InlineData("127.0.0.1", null)]
    [InlineData("", null)]
    public void TryParseEndPoint_TakesAddressAndPort(string text, string? expected) =>
        Assert.Equal(expected, IpText.TryParseEndPoint(text, out IPEndPoint? parsed) ? parsed.ToString() : null);
}
