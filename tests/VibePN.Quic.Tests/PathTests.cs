using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

/// <summary>Path-MTU discovery and peers that move.</summary>
public sealed class PathTests
{
    [Theory]
    [InlineData(1_472, 1_472)]
    [InlineData(1_452, 1_452)]
    [InlineData(1_372, 1_372)]
    [InlineData(1_399, 1_372)]
    [InlineData(8_972, 8_972)]
    [InlineData(8_960, 8_952)]
    [InlineData(1_200, 1_200)]
    public void PathMtu_LinkOfThisSize_LargestProbeThatFitsIsFound(int link, int expected)
    {
        using var pair = new SimPair(link: new LinkSettings { MaxUdpPayloadBytes = link });
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(20));
        foreach (var (connection, host) in new[] { (dialer, pair.Alice), (acceptor, pair.Bob) })
        {
            Assert.Equal(expected, connection.GetStats().PathMtuBytes);
            Assert.Equal(expected - 31, connection.MaxDatagramBytes);
            if (expected > 1_200)
            {
                Assert.Equal(expected - 31, host.Handler.MaxDatagrams[^1]);
                Assert.Equal(host.Handler.MaxDatagrams.Order(), host.Handler.MaxDatagrams);
            }
        }
    }

    [Fact]
    public void PathMtu_FreshConnection_StartsAt1200()
    {
        using var pair = new SimPair();
        var seen = 0;
        pair.Alice.Handler.CompletedHook = c => seen = c.MaxDatagramBytes;
        pair.Connect();
        Assert.Equal(1_200 - 31, seen);
    }

    [Fact]
    public void PathMtu_NoProbes_StaysAt1200()
    {
        using var pair = new SimPair(settings: new QuicSettings { PathMtuProbes = [] });
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(20));
        Assert.Equal(1_200, dialer.GetStats().PathMtuBytes);
    }

    [Fact]
    public void PathMtu_ProbeListWithForbiddenSizes_DoesNotEndTheProcess()
    {
        // ngtcp2 asserts that probes lie above 1,200; sizes above the maximum are of no use.
        using var pair = new SimPair(settings: new QuicSettings { PathMtuProbes = [9_000, 1_400, 0, 1_200, 1_300, 1_300], MaxUdpPayloadBytes = 1_450 });
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(20));
        Assert.Equal(1_400, dialer.GetStats().PathMtuBytes);
    }

    [Fact]
    public void TransmitCap_LinkShrinks_DeliveryResumesUnderTheCap()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(5));
        var link = pair.Net.Link(pair.Alice.Address, pair.Bob.Address);
        link.Settings = link.Settings with { MaxUdpPayloadBytes = 1_300 };
        pair.Alice.SendDatagram(dialer, new byte[1_400]);
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.Empty(pair.Bob.Handler.Datagrams);
        Assert.Equal(1_472 - 31, dialer.MaxDatagramBytes);
        dialer.SetTransmitCap(1_280);
        Assert.Equal(1_280 - 31, dialer.MaxDatagramBytes);
        Assert.Equal(1_280 - 31, pair.Alice.Handler.MaxDatagrams[^1]);
        Assert.Equal(DatagramWrite.TooLarge, pair.Alice.SendDatagram(dialer, new byte[1_400]));
        Assert.Equal(DatagramWrite.Written, pair.Alice.SendDatagram(dialer, new byte[1_249]));
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Single(pair.Bob.Handler.Datagrams);
        Assert.Throws<ArgumentOutOfRangeException>(() => dialer.SetTransmitCap(1_199));
    }

    [Fact]
    public void Rebinding_DialersAddressChanges_AcceptorFollows()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(5));
        var outside = SimNet.AddressOf(77, port: 9_999);
        pair.Alice.Address = outside;
        pair.Bob.Handler.MaxDatagrams.Clear();
        pair.Alice.SendDatagram(dialer, [1]);
        Assert.True(pair.Net.RunUntil(() => acceptor.Path.Remote == outside, SimPair.Patience));

        // A NAT does it: inside, the dialer's own path is as before.
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(outside, Assert.Single(pair.Bob.Handler.Paths).Remote);

        // The dialer keeps its connection id, so ngtcp2 takes the new path to be as wide as the old one (SetTransmitCap is the cure if not).
        Assert.Empty(pair.Bob.Handler.MaxDatagrams);
        Assert.Equal(1_472 - 31, acceptor.MaxDatagramBytes);
        Assert.Equal(DatagramWrite.Written, pair.Bob.SendDatagram(acceptor, [2]));
        Assert.False(dialer.IsClosed);
        Assert.False(acceptor.IsClosed);
    }

    [Fact]
    public void Migrate_DialerMoves_DatagramsFlowBothWaysAfterOneRoundTrip()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(5));
        for (byte i = 1; i <= 10; i++)
        {
            // Nothing leads to the old address any more.
            var elsewhere = SimNet.AddressOf((byte)(80 + i));
            pair.Alice.Move(elsewhere);
            Assert.True(dialer.TryMigrate(elsewhere, pair.Net.Now));
            Assert.Equal(elsewhere, dialer.Path.Local);
            Assert.Equal(1_200 - 31, dialer.MaxDatagramBytes);
            pair.Bob.Handler.Datagrams.Clear();
            pair.Alice.Handler.Datagrams.Clear();
            Assert.Equal(DatagramWrite.Written, pair.Alice.SendDatagram(dialer, [i]));
            Assert.True(pair.Net.RunUntil(() => pair.Bob.Handler.Datagrams.Count > 0, SimPair.Patience));
            Assert.Equal(elsewhere, acceptor.Path.Remote);

            // At most three times what came, until the new path is validated (RFC 9000 §8).
            Assert.True(pair.Net.RunUntil(() => pair.Bob.SendDatagram(acceptor, [i]) == DatagramWrite.Written, TimeSpan.FromMilliseconds(500)));
            Assert.True(pair.Net.RunUntil(() => pair.Alice.Handler.Datagrams.Count > 0, SimPair.Patience));
            Assert.True(dialer.LastReceivedNanos > 0 && dialer.LastReceivedNanos <= pair.Net.Now.Nanos);
            pair.Net.Run(TimeSpan.FromSeconds(2));
        }

        Assert.False(dialer.IsClosed);
        Assert.Equal(1_472 - 31, dialer.MaxDatagramBytes);
    }

    [Fact]
    public void Migrate_WhereItIsNotPossible_FalseAndNothingChanges()
    {
        using var pair = new SimPair();
        var early = pair.Alice.Dial(pair.Bob);
        Assert.False(early.TryMigrate(SimNet.AddressOf(81), pair.Net.Now));
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.False(dialer.TryMigrate(dialer.Path.Local, pair.Net.Now));
        Assert.False(dialer.TryMigrate(new QuicAddress([1, 2, 3]), pair.Net.Now));
        Assert.False(acceptor.TryMigrate(SimNet.AddressOf(81), pair.Net.Now));

        // Without an answer from anywhere the peer's ids run out.
        pair.Alice.Move(SimNet.AddressOf(99));
        var moves = 0;
        while (dialer.TryMigrate(SimNet.AddressOf((byte)(100 + moves)), pair.Net.Now))
        {
            moves++;
        }

        Assert.InRange(moves, 1, 8);
        Assert.False(dialer.IsClosed);
        dialer.Close(0, "");
        Assert.False(dialer.TryMigrate(SimNet.AddressOf(82), pair.Net.Now));
    }

    [Fact]
    public void Connect_AddressOfUnknownFamily_ArgumentException()
    {
        using var pair = new SimPair();
        var odd = new QuicAddress([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        var longInet = new QuicAddress([2, 0, .. new byte[26]]);
        Assert.Throws<ArgumentException>(() => pair.Alice.Endpoint.Connect(new QuicPath(pair.Alice.Address, odd), ["a"], pair.Net.Now));
        Assert.Throws<ArgumentException>(() => pair.Alice.Endpoint.Connect(new QuicPath(longInet, pair.Bob.Address), ["a"], pair.Net.Now));
        Assert.Throws<ArgumentException>(() => pair.Alice.Endpoint.Connect(default, ["a"], pair.Net.Now));
        pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, odd), 0, new byte[1_200], pair.Net.Now);
        Assert.Equal(1UL, pair.Bob.Endpoint.Stats.DroppedMalformed);
    }

    [Fact]
    public void Time_GoesBack_IsTakenAsStanding()
    {
        // ngtcp2 asserts that time does not go back: a clock's mistake must not end the process.
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var packet = new byte[16_384];
        var past = new Instant(1, 0);
        dialer.WritePending(packet, past);
        dialer.WriteDatagram(default, [1], packet, more: false, out _, past);
        dialer.EndBurst(past);
        dialer.HandleDeadline(past);
        Assert.False(dialer.IsClosed);
    }
}
