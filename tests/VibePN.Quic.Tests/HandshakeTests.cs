using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

public sealed class HandshakeTests
{
    [Fact]
    public void Handshake_CleanLink_BothSidesKnowEachOther()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        Assert.True(dialer.IsDialer);
        Assert.False(acceptor.IsDialer);
        Assert.Equal("test/1", dialer.Alpn);
        Assert.Equal("test/1", acceptor.Alpn);
        Assert.Equal(TestCertificates.Bob.Der, Assert.Single(Assert.Single(pair.Alice.Handler.Chains)));
        Assert.Equal(TestCertificates.Alice.Der, Assert.Single(Assert.Single(pair.Bob.Handler.Chains)));
        Assert.Empty(pair.Alice.Handler.Closed);
        Assert.Empty(pair.Bob.Handler.Closed);
        Assert.Equal(1UL, pair.Bob.Endpoint.Stats.HandshakesCompleted);
    }

    [Fact]
    public void Handshake_BothDialEachOtherFromOneEndpoint_TwoConnections()
    {
        using var pair = new SimPair();
        var out1 = pair.Alice.Dial(pair.Bob);
        var out2 = pair.Bob.Dial(pair.Alice);
        Assert.True(pair.Net.RunUntil(() => out1.IsHandshakeConfirmed && out2.IsHandshakeConfirmed, SimPair.Patience));
        Assert.Equal(2, pair.Alice.Endpoint.ConnectionCount);
        Assert.Equal(2, pair.Bob.Endpoint.ConnectionCount);
    }
}
