using System.Net;

namespace VibePN.Linux.Tests;

public sealed class SockAddrTests
{
    [Theory]
    [InlineData("192.0.2.7:51820", "0200ca6cc0000207" + "0000000000000000")]
    [InlineData("[2001:db8::1]:51820", "0a00ca6c00000000" + "20010db8000000000000000000000001" + "00000000")]
    [InlineData("[fe80::1%3]:1", "0a00000100000000" + "fe800000000000000000000000000001" + "03000000")]
    public void FromIPEndPoint_GoldenBytes_AndBack(string text, string hex)
    {
        var endPoint = IPEndPoint.Parse(text);

        var address = SockAddr.FromIPEndPoint(endPoint);

        Assert.Equal(hex, Convert.ToHexStringLower(address.Bytes));
        Assert.Equal(endPoint, address.ToIPEndPoint());
        Assert.Equal(endPoint.Port, address.Port);
        Assert.Equal(address, SockAddr.FromBytes(address.Bytes));
    }

    [Fact]
    public void ToIPEndPoint_MappedAddress_IsShownAsV4()
    {
        var mapped = SockAddr.FromIPEndPoint(IPEndPoint.Parse("[::ffff:192.0.2.7]:9"));

        Assert.Equal(28, mapped.Bytes.Length);
        Assert.Equal(IPEndPoint.Parse("192.0.2.7:9"), mapped.ToIPEndPoint());
        Assert.Equal(mapped, SockAddr.FromIPEndPoint(IPEndPoint.Parse("192.0.2.7:9")).ToV6());
    }

    [Theory]
    [InlineData("")]
    [InlineData("02")]
    [InlineData("0200")]
    [InlineData("0a00ca6cc0000207" + "0000000000000000")]
    [InlineData("0200ca6c00000000" + "20010db8000000000000000000000001" + "00000000")]
    [InlineData("0100ca6cc0000207" + "0000000000000000")]
    [InlineData("0a00ca6c00000000" + "20010db8000000000000000000000001" + "0000000000")]
    public void TryFromBytes_WrongFamilyOrLength_IsRefused(string hex)
    {
        Assert.False(SockAddr.TryFromBytes(Convert.FromHexString(hex), out var address));
        Assert.True(address.IsNone);
        Assert.Throws<ArgumentException>(() => SockAddr.FromBytes(Convert.FromHexString(hex)));
    }

    [Fact]
    public void Equals_ComparesAllBytes()
    {
        var a = SockAddr.FromIPEndPoint(IPEndPoint.Parse("192.0.2.7:9"));
        var same = SockAddr.FromIPEndPoint(IPEndPoint.Parse("192.0.2.7:9"));
        var otherPort = SockAddr.FromIPEndPoint(IPEndPoint.Parse("192.0.2.7:10"));

        Assert.True(a == same);
        Assert.Equal(a.GetHashCode(), same.GetHashCode());
        Assert.True(a != otherPort);
        Assert.True(a != default);
        Assert.Throws<InvalidOperationException>(() => default(SockAddr).ToIPEndPoint());
    }
}
