using System.Reflection;
using VibePN.Quic.Native;
using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

/// <summary>Both sides judge, inside the handshake; the alert that one chooses is what the other sees.</summary>
public sealed unsafe class RefusalTests
{
    [Theory]
    [InlineData(TlsAlert.BadCertificate)]
    [InlineData(TlsAlert.CertificateExpired)]
    [InlineData(TlsAlert.CertificateUnknown)]
    [InlineData(TlsAlert.AccessDenied)]
    public void Refusal_ByAcceptor_DialerSeesTheAlertAfterItsHandshakeCompleted(TlsAlert alert)
    {
        using var pair = new SimPair();
        pair.Bob.Handler.Judge = (_, _) => alert;
        var dialer = pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => pair.Alice.Handler.Closed.Count > 0, SimPair.Patience));

        // TLS 1.3: the dialer finishes before the acceptor has read its certificate; confirmed it never is.
        Assert.Single(pair.Alice.Handler.Completed);
        Assert.False(dialer.IsHandshakeConfirmed);
        Assert.True(dialer.IsClosed);
        Assert.Equal((dialer, QuicCloseKind.PeerTransport), (pair.Alice.Handler.Closed[0].Connection, pair.Alice.Handler.Closed[0].Close.Kind));
        Assert.Equal((byte)alert, pair.Alice.Handler.Closed[0].Close.Alert);
        var (_, close) = Assert.Single(pair.Bob.Handler.Closed);
        Assert.Equal(QuicCloseKind.LocalTransport, close.Kind);
        Assert.Equal((byte)alert, close.Alert);
        Assert.Empty(pair.Bob.Handler.Completed);
        Assert.Equal(1UL, pair.Bob.Endpoint.Stats.CertificatesRefused);
        pair.Net.Run(SimPair.Patience);
        Assert.Equal(0, pair.Connections);
    }

    [Fact]
    public void Refusal_ByDialer_AcceptorSeesTheAlertAndNeverCompletes()
    {
        using var pair = new SimPair();
        pair.Alice.Handler.Judge = (_, _) => TlsAlert.AccessDenied;
        pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => pair.Bob.Handler.Closed.Count > 0, SimPair.Patience));
        Assert.Empty(pair.Alice.Handler.Completed);
        Assert.Empty(pair.Bob.Handler.Completed);
        Assert.Empty(pair.Bob.Handler.Chains);
        Assert.Equal(new QuicClose(QuicCloseKind.LocalTransport, 0x131, "certificate refused here"), Assert.Single(pair.Alice.Handler.Closed).Close);
        var close = Assert.Single(pair.Bob.Handler.Closed).Close;
        Assert.Equal(QuicCloseKind.PeerTransport, close.Kind);
        Assert.Equal((byte)TlsAlert.AccessDenied, close.Alert);
    }

    [Fact]
    public void Refusal_DialerWithoutCertificate_CertificateRequired()
    {
        void* native;
        Assert.Equal(0, GnuTls.gnutls_certificate_allocate_credentials(&native));
        using var empty = (QuicCredentials)typeof(QuicCredentials).GetConstructors(BindingFlags.NonPublic | BindingFlags.Instance)[0]
            .Invoke([Pointer.Box(native, typeof(void*))]);
        using var pair = new SimPair();
        pair.Alice.Dial(pair.Bob, empty);
        Assert.True(pair.Net.RunUntil(() => pair.Alice.Handler.Closed.Count > 0, SimPair.Patience));
        Assert.Equal((byte)116, pair.Alice.Handler.Closed[0].Close.Alert);
        Assert.Equal((byte)116, Assert.Single(pair.Bob.Handler.Closed).Close.Alert);
        Assert.Empty(pair.Bob.Handler.Chains);
        Assert.Empty(pair.Bob.Handler.Completed);
    }

    [Fact]
    public void Alpn_NoCommonProtocol_BothSidesSeeNoApplicationProtocol()
    {
        using var pair = new SimPair();
        pair.Alice.Dial(pair.Bob, null, "other/1");
        Assert.True(pair.Net.RunUntil(() => pair.Alice.Handler.Closed.Count > 0 && pair.Bob.Handler.Closed.Count > 0, SimPair.Patience));
        Assert.Equal((byte)120, pair.Alice.Handler.Closed[0].Close.Alert);
        Assert.Equal((byte)120, pair.Bob.Handler.Closed[0].Close.Alert);
        Assert.Empty(pair.Alice.Handler.Chains);
        Assert.Empty(pair.Alice.Handler.Completed);
    }

    [Fact]
    public void Alpn_SeveralOffered_AcceptorsPreferenceWins()
    {
        using var pair = new SimPair(bob: o => o with { AcceptAlpn = ["b/2", "a/1"] });
        var dialer = pair.Alice.Dial(pair.Bob, null, "a/1", "b/2", "c/3");
        Assert.True(pair.Net.RunUntil(() => dialer.IsHandshakeConfirmed, SimPair.Patience));
        Assert.Equal("b/2", dialer.Alpn);
        Assert.Equal("b/2", pair.Bob.Handler.Accepted[0].Alpn);
    }

    [Fact]
    public void Accept_EmptyAlpnList_NobodyIsAccepted()
    {
        using var pair = new SimPair(bob: o => o with { AcceptAlpn = [] });
        pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => pair.Alice.Handler.Closed.Count > 0, SimPair.Patience));
        Assert.Equal(QuicCloseKind.HandshakeTimeout, pair.Alice.Handler.Closed[0].Close.Kind);
        Assert.Empty(pair.Bob.Handler.Accepted);
        Assert.True(pair.Bob.Endpoint.Stats.DroppedNotAccepting > 0);
    }

    [Fact]
    public void Chain_ExtraUnrelatedCertificates_ReachTheOtherSideInOrder()
    {
        var extra = TestCertificates.Create("statement", "1.3.6.1.4.1.99999.1", [1, 2, 3]);
        using var chain = TestCertificates.Credentials(TestCertificates.Carol, extra, TestCertificates.Bob);
        using var pair = new SimPair();
        var dialer = pair.Alice.Dial(pair.Bob, chain);
        Assert.True(pair.Net.RunUntil(() => dialer.IsHandshakeConfirmed, SimPair.Patience));
        Assert.Equal([TestCertificates.Carol.Der, extra.Der, TestCertificates.Bob.Der], Assert.Single(pair.Bob.Handler.Chains));

        // The next dial shows the endpoint's own chain again.
        var second = pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => second.IsHandshakeConfirmed, SimPair.Patience));
        Assert.Equal([TestCertificates.Alice.Der], pair.Bob.Handler.Chains[1]);
    }

    [Fact]
    public void Judge_Throws_ClosesOnlyThatConnection()
    {
        using var pair = new SimPair();
        var (first, _) = pair.Connect();
        pair.Bob.Handler.Judge = (_, _) => throw new FormatException("boom");
        pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => pair.Alice.Handler.Closed.Count > 0, SimPair.Patience));
        Assert.Equal(new QuicClose(QuicCloseKind.LocalTransport, 1, "boom"), Assert.Single(pair.Bob.Handler.Closed).Close);
        Assert.Equal(QuicCloseKind.PeerTransport, pair.Alice.Handler.Closed[0].Close.Kind);
        Assert.False(first.IsClosed);
        Assert.Equal(DatagramWrite.Written, pair.Alice.SendDatagram(first, [1]));
    }
}
