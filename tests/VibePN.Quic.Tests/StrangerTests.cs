using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

/// <summary>What strangers can send: floods, nonsense, other versions.</summary>
public sealed class StrangerTests
{
    private readonly byte[] _packet = new byte[16_384];

    [Fact]
    public void Retry_AboveTheRate_DialersProveTheirAddressAndGetIn()
    {
        using var pair = new SimPair(bob: o => o with { RetryAbovePerSecond = 3 });
        var dials = Enumerable.Range(0, 10).Select(_ => pair.Alice.Dial(pair.Bob)).ToList();
        Assert.True(pair.Net.RunUntil(() => dials.TrueForAll(d => d.IsHandshakeConfirmed), SimPair.Patience));
        Assert.Equal(7UL, pair.Bob.Endpoint.Stats.RetriesSent);
        Assert.Equal(10UL, pair.Bob.Endpoint.Stats.Accepted);
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(20, pair.Connections);
    }

    [Fact]
    public void Retry_TokenOfAnotherAddress_Refused()
    {
        using var pair = new SimPair(bob: o => o with { RetryAbovePerSecond = 0 });
        var dialer = pair.Alice.Dial(pair.Bob);
        pair.Net.Link(pair.Alice.Address, pair.Bob.Address).Swallow = packet =>
        {
            // The second Initial, with its token, arrives as if from elsewhere.
            pair.Bob.Receive(packet, SimNet.AddressOf(9));
            return true;
        };
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.False(dialer.IsHandshakeCompleted);
        Assert.True(pair.Bob.Endpoint.Stats.DroppedBadToken > 0);
        Assert.Empty(pair.Bob.Handler.Accepted);
    }

    [Fact]
    public void Retry_TokenSecretChangedMeanwhile_DialerLearnsInvalidToken()
    {
        using var pair = new SimPair(bob: o => o with { RetryAbovePerSecond = 0 });
        pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => pair.Bob.Endpoint.Stats.RetriesSent == 1, SimPair.Patience));
        pair.Net.Crash(pair.Bob);
        pair.Bob = pair.Net.AddHost(2, SimPair.Options(TestCertificates.BobCredentials, 2) with { TokenSecret = new byte[32] });
        pair.Net.Run(TimeSpan.FromSeconds(1));
        var close = Assert.Single(pair.Alice.Handler.Closed).Close;
        Assert.Equal((QuicCloseKind.PeerTransport, 0xbUL), (close.Kind, close.ErrorCode));
    }

    [Fact]
    public void Initials_AboveTheDropRate_NotAnswered()
    {
        using var pair = new SimPair(bob: o => o with { RetryAbovePerSecond = 2, DropAbovePerSecond = 5 });
        for (var i = 0; i < 20; i++)
        {
            pair.Alice.Dial(pair.Bob);
        }

        pair.Net.Run(TimeSpan.FromMilliseconds(11));
        var stats = pair.Bob.Endpoint.Stats;
        Assert.Equal((2UL, 3UL, 15UL), (stats.Accepted, stats.RetriesSent, stats.DroppedInitialRate));
    }

    [Fact]
    public void Initials_HalfOpenLimit_BoundsConnectionsAndRecovers()
    {
        using var pair = new SimPair(bob: o => o with { MaxHandshakes = 5 });
        var first = Initial(pair);
        for (byte i = 0; i < 50; i++)
        {
            pair.Bob.Receive(Initial(pair), SimNet.AddressOf((byte)(10 + i)));
        }

        Assert.Equal(5, pair.Bob.Endpoint.ConnectionCount);
        Assert.Equal(45UL, pair.Bob.Endpoint.Stats.DroppedHandshakeLimit);
        pair.Net.Run(TimeSpan.FromSeconds(30));
        Assert.Equal(0, pair.Bob.Endpoint.ConnectionCount);
        pair.Connect();
        Assert.NotEmpty(first);
    }

    [Fact]
    public void VersionNegotiation_UnknownVersion_AnsweredOnceAndRateLimited()
    {
        using var pair = new SimPair();
        var packet = Initial(pair);
        packet[1] = packet[2] = packet[3] = packet[4] = 0x7a;
        var answers = 0;
        for (var i = 0; i < 500; i++)
        {
            pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, packet, pair.Net.Now);
            var length = pair.Bob.Endpoint.TakeStateless(_packet, out var path);
            if (length > 0)
            {
                answers++;
                Assert.Equal(pair.Alice.Address, path.Remote);
                Assert.Equal([0, 0, 0, 0], _packet[1..5]);
                Assert.Equal([0, 0, 0, 1], _packet[(length - 4)..length]);
            }
        }

        Assert.Equal(200, answers);
        Assert.Equal(0, pair.Bob.Endpoint.ConnectionCount);
    }

    [Fact]
    public void VersionNegotiation_PeerSpeaksNoneOfOurs_ConnectionEndsWithThatKind()
    {
        using var pair = new SimPair();
        byte[]? initial = null;
        pair.Net.Link(pair.Alice.Address, pair.Bob.Address).Swallow = p => (initial ??= p) != null;
        pair.Alice.Dial(pair.Bob);
        var dcid = initial.AsSpan(6, initial![5]).ToArray();
        var scid = initial.AsSpan(7 + dcid.Length, initial[6 + dcid.Length]).ToArray();
        byte[] answer = [0x80, 0, 0, 0, 0, (byte)scid.Length, .. scid, (byte)dcid.Length, .. dcid, 0x7a, 0x7a, 0x7a, 0x7a];
        pair.Alice.Receive(answer, pair.Bob.Address);
        Assert.Equal(QuicCloseKind.VersionNegotiation, Assert.Single(pair.Alice.Handler.Closed).Close.Kind);
        Assert.Equal(0, pair.Alice.Endpoint.ConnectionCount);
    }

    [Fact]
    public void Receive_GarbledInitial_DropConnLeavesNothing()
    {
        using var pair = new SimPair();
        var packet = Initial(pair);
        packet[600] ^= 1;
        pair.Bob.Receive(packet, pair.Alice.Address);
        Assert.Equal(0, pair.Bob.Endpoint.ConnectionCount);
        Assert.Equal(0, pair.Bob.Endpoint.IdCount);
        Assert.Equal(1UL, pair.Bob.Endpoint.Stats.DroppedMalformed);
        Assert.Empty(pair.Bob.Handler.Accepted);
        Assert.Empty(pair.Bob.Handler.Closed);
        Assert.Equal(0, pair.Bob.Sent);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Receive_MutatedPackets_NothingCrashesAndNothingIsKept(int seed)
    {
        using var pair = new SimPair(seed, bob: o => o with { RetryAbovePerSecond = 1_000_000, DropAbovePerSecond = 2_000_000 });
        var captured = new List<byte[]>();
        pair.Net.Link(pair.Alice.Address, pair.Bob.Address).Swallow = p =>
        {
            captured.Add(p);
            return false;
        };
        var back = new List<byte[]>();
        pair.Net.Link(pair.Bob.Address, pair.Alice.Address).Swallow = p =>
        {
            back.Add(p);
            return false;
        };
        var (dialer, acceptor) = pair.Connect();
        pair.Alice.SendDatagram(dialer, new byte[300]);
        pair.Bob.SendDatagram(acceptor, new byte[300]);
        pair.Net.Run(TimeSpan.FromSeconds(1));
        var random = new Random(seed);
        for (var i = 0; i < 10_000; i++)
        {
            var toBob = random.Next(2) == 0;
            var source = toBob ? captured : back;
            var packet = (byte[])source[random.Next(source.Count)].Clone();
            for (var n = random.Next(1, 5); n > 0; n--)
            {
                packet[random.Next(random.Next(2) == 0 ? Math.Min(40, packet.Length) : packet.Length)] = (byte)random.Next(256);
            }

            var length = random.Next(4) == 0 ? random.Next(packet.Length + 1) : packet.Length;
            var (host, peer) = toBob ? (pair.Bob, pair.Alice) : (pair.Alice, pair.Bob);
            host.Receive(packet[..length], random.Next(2) == 0 ? peer.Address : SimNet.AddressOf((byte)random.Next(3, 255)));
        }

        Assert.False(acceptor.IsClosed);
        Assert.False(dialer.IsClosed);
        pair.Net.Run(TimeSpan.FromSeconds(30));
        Assert.Equal(1, pair.Bob.Endpoint.ConnectionCount);
        Assert.Equal(DatagramWrite.Written, pair.Alice.SendDatagram(dialer, [1]));
    }

    [Fact]
    public void Receive_RandomBytes_NothingCrashes()
    {
        using var pair = new SimPair();
        var random = new Random(4);
        for (var i = 0; i < 20_000; i++)
        {
            var packet = new byte[random.Next(0, random.Next(2) == 0 ? 60 : 1_500)];
            random.NextBytes(packet);
            if (packet.Length > 5 && random.Next(2) == 0)
            {
                packet[0] |= 0xc0;
                packet[1] = packet[2] = packet[3] = 0;
                packet[4] = 1;
            }

            pair.Bob.Receive(packet, pair.Alice.Address);
        }

        Assert.Equal(0, pair.Bob.Endpoint.ConnectionCount);
    }

    private byte[] Initial(SimPair pair)
    {
        byte[]? initial = null;
        var link = pair.Net.Link(pair.Alice.Address, pair.Bob.Address);
        link.Swallow = p => (initial ??= p) != null;
        var dialer = pair.Alice.Dial(pair.Bob);
        link.Swallow = null;
        dialer.Leave();
        return initial!;
    }
}
