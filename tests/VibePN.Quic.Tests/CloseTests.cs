using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

/// <summary>Each way a connection can end: told exactly once, with the right kind, and nothing is left after it.</summary>
public sealed class CloseTests
{
    private readonly byte[] _packet = new byte[16_384];

    [Fact]
    public void Close_ByDialer_PeerSeesCodeAndReason()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        dialer.Close(0x1234, "going\nhome");
        dialer.Close(1, "again");
        Assert.True(dialer.IsClosed);
        Assert.Empty(pair.Alice.Handler.Closed);
        pair.Alice.Flush();
        pair.Net.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(new QuicClose(QuicCloseKind.Local, 0x1234, "going\nhome"), Assert.Single(pair.Alice.Handler.Closed).Close);
        Assert.Equal(new QuicClose(QuicCloseKind.PeerApplication, 0x1234, "going?home"), Assert.Single(pair.Bob.Handler.Closed).Close);
        Assert.Equal(0, pair.Connections);
    }

    /// <summary>A busy loop may meet deadlines before it writes.</summary>
    [Fact]
    public void Close_AfterSilence_LeavesThoughDeadlinesAreMetFirst()
    {
        using var pair = new SimPair(settings: new QuicSettings { KeepAlive = TimeSpan.Zero });
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(10));
        dialer.Close(7, "bye");
        pair.Alice.Endpoint.HandleDeadlines(pair.Net.Now);
        pair.Alice.Flush();
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(7UL, Assert.Single(pair.Bob.Handler.Closed).Close.ErrorCode);
        Assert.Equal(0, pair.Connections);
    }

    [Fact]
    public void Close_ThatIsNeverWritten_EndsByItself()
    {
        using var pair = new SimPair(settings: new QuicSettings { KeepAlive = TimeSpan.Zero });
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(10));
        dialer.Close(7, "bye");
        for (var i = 0UL; i < 10; i++)
        {
            pair.Alice.Endpoint.HandleDeadlines(new Instant(pair.Net.Now.Nanos + (i * 1_000_000_000), pair.Net.Now.UtcSeconds));
        }

        Assert.Equal(QuicCloseKind.Local, Assert.Single(pair.Alice.Handler.Closed).Close.Kind);
        Assert.Equal(0, pair.Alice.Endpoint.ConnectionCount);
    }

    [Fact]
    public void Close_OverlongReason_CutAtACharacter()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        dialer.Close(1, new string('ü', 1_000));
        pair.Alice.Flush();
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(new string('ü', 128), Assert.Single(pair.Bob.Handler.Closed).Close.Reason);
    }

    [Fact]
    public void Close_InsideCallback_LeavesWithTheNextWrite()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        pair.Bob.Handler.DatagramHook = (c, _) => c.Close(5, "enough");
        pair.Alice.SendDatagram(dialer, [1]);
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(new QuicClose(QuicCloseKind.PeerApplication, 5, "enough"), Assert.Single(pair.Alice.Handler.Closed).Close);
        Assert.Equal(QuicCloseKind.Local, Assert.Single(pair.Bob.Handler.Closed).Close.Kind);
    }

    [Fact]
    public void Close_BothAtOnce_EachToldOnce()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        dialer.Close(1, "a");
        acceptor.Close(2, "b");
        pair.Alice.Flush();
        pair.Bob.Flush();
        pair.Net.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(QuicCloseKind.Local, Assert.Single(pair.Alice.Handler.Closed).Close.Kind);
        Assert.Equal(QuicCloseKind.Local, Assert.Single(pair.Bob.Handler.Closed).Close.Kind);
        Assert.Equal(0, pair.Connections);
    }

    [Fact]
    public void Close_BeforeTheFirstPacket_EndsWithoutAWord()
    {
        using var pair = new SimPair();
        var dialer = pair.Alice.Endpoint.Connect(new QuicPath(pair.Alice.Address, pair.Bob.Address), ["test/1"], pair.Net.Now);
        dialer.Close(1, "");
        pair.Alice.Flush();
        Assert.Equal(0, pair.Alice.Sent);
        Assert.Equal(QuicCloseKind.Local, Assert.Single(pair.Alice.Handler.Closed).Close.Kind);
        Assert.Equal(0, pair.Connections);
        Assert.False(dialer.HasNativeState);
    }

    [Fact]
    public void Close_DuringHandshake_PeerSeesApplicationErrorWithoutDetails()
    {
        using var pair = new SimPair();
        var dialer = pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => pair.Bob.Handler.Accepted.Count == 1, SimPair.Patience));
        dialer.Close(77, "secret");
        pair.Alice.Flush();
        pair.Net.Run(TimeSpan.FromSeconds(1));
        var close = Assert.Single(pair.Bob.Handler.Closed).Close;
        Assert.Equal((QuicCloseKind.PeerTransport, 0xcUL, ""), (close.Kind, close.ErrorCode, close.Reason));
    }

    [Fact]
    public void Closing_PacketsKeepComing_StoredCloseRepeatedEverMoreRarely()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Link(pair.Bob.Address, pair.Alice.Address).Swallow = _ => true;
        acceptor.Close(9, "bye");
        pair.Bob.Flush();
        Assert.False(acceptor.HasNativeState);
        var before = pair.Bob.Sent;
        for (var i = 0; i < 100; i++)
        {
            pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, ShortPacket(pair.Bob, acceptor), pair.Net.Now);
            pair.Bob.Flush();
        }

        // For the 1st, 2nd, 4th … 64th.
        Assert.Equal(7, pair.Bob.Sent - before);
        pair.Net.Link(pair.Bob.Address, pair.Alice.Address).Swallow = null;
        for (var i = 0; i < 28; i++)
        {
            pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, ShortPacket(pair.Bob, acceptor), pair.Net.Now);
            pair.Bob.Flush();
        }

        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(9UL, Assert.Single(pair.Alice.Handler.Closed).Close.ErrorCode);
        Assert.Equal(0, pair.Connections);
    }

    [Fact]
    public void Draining_PacketsKeepComing_NoAnswer()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        dialer.Close(1, "");
        pair.Alice.Flush();
        Assert.True(pair.Net.RunUntil(() => pair.Bob.Handler.Closed.Count == 1, SimPair.Patience));
        var before = pair.Bob.Sent;
        for (var i = 0; i < 100; i++)
        {
            pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, ShortPacket(pair.Bob, acceptor), pair.Net.Now);
            pair.Bob.Flush();
        }

        Assert.Equal(before, pair.Bob.Sent);
        Assert.Equal(DatagramWrite.Closed, acceptor.WriteDatagram(default, [1], _packet, more: false, out _, pair.Net.Now));
        Assert.Equal(0, acceptor.WritePending(_packet, pair.Net.Now).Bytes);
        Assert.False(acceptor.TryWriteStream(0, [1], fin: false));
        Assert.Throws<QuicException>(() => acceptor.OpenStream());
        acceptor.EndBurst(pair.Net.Now);
        acceptor.Close(1, "");
        pair.Net.Run(TimeSpan.FromSeconds(10));
        Assert.Single(pair.Bob.Handler.Closed);
        Assert.Equal(0, pair.Connections);
    }

    [Fact]
    public void Idle_NoPacketComes_BothSidesIdleTimeoutSilently()
    {
        using var pair = new SimPair(settings: new QuicSettings { IdleTimeout = TimeSpan.FromSeconds(5), KeepAlive = TimeSpan.Zero });
        pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(4));
        Assert.Equal(2, pair.Connections);
        pair.Net.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(QuicCloseKind.IdleTimeout, Assert.Single(pair.Alice.Handler.Closed).Close.Kind);
        Assert.Equal(QuicCloseKind.IdleTimeout, Assert.Single(pair.Bob.Handler.Closed).Close.Kind);
        Assert.Equal(0, pair.Connections);
    }

    [Fact]
    public void KeepAlive_NothingToSay_ConnectionHolds()
    {
        using var pair = new SimPair(settings: new QuicSettings { IdleTimeout = TimeSpan.FromSeconds(5), KeepAlive = TimeSpan.FromSeconds(2) });
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromMinutes(5));
        Assert.Equal(2, pair.Connections);
        Assert.False(dialer.IsClosed);
        pair.Net.Crash(pair.Bob);
        pair.Net.Run(TimeSpan.FromSeconds(30));
        Assert.Equal(QuicCloseKind.IdleTimeout, Assert.Single(pair.Alice.Handler.Closed).Close.Kind);
    }

    [Fact]
    public void Handshake_NobodyThere_HandshakeTimeout()
    {
        using var pair = new SimPair();
        pair.Net.Crash(pair.Bob);
        pair.Alice.Dial(pair.Bob);
        pair.Net.Run(TimeSpan.FromSeconds(9));
        Assert.Empty(pair.Alice.Handler.Closed);

        // 0, 0.3, 0.9, 2.1, 4.5 and 9.3 s with an assumed round trip of 100 ms.
        Assert.InRange(pair.Alice.Sent, 5, 10);
        pair.Net.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(QuicCloseKind.HandshakeTimeout, Assert.Single(pair.Alice.Handler.Closed).Close.Kind);
        Assert.Equal(0, pair.Connections);
    }

    [Fact]
    public void Handshake_AcceptorLosesTheDialer_HandshakeTimeoutThereToo()
    {
        using var pair = new SimPair();
        pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => pair.Bob.Handler.Accepted.Count == 1, SimPair.Patience));
        pair.Net.Crash(pair.Alice);
        pair.Net.Run(TimeSpan.FromSeconds(30));
        Assert.Equal(QuicCloseKind.HandshakeTimeout, Assert.Single(pair.Bob.Handler.Closed).Close.Kind);
        Assert.Equal(0, pair.Bob.Endpoint.ConnectionCount);
    }

    [Fact]
    public void StatelessReset_AcceptorRestartedWithSameSecret_DialerLearnsAtOnce()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        pair.Net.Crash(pair.Bob);
        pair.Bob = pair.Net.AddHost(2, SimPair.Options(TestCertificates.BobCredentials, 2));
        pair.Alice.SendDatagram(dialer, new byte[100]);
        Assert.True(pair.Net.RunUntil(() => pair.Alice.Handler.Closed.Count > 0, TimeSpan.FromSeconds(1)));
        Assert.Equal(QuicCloseKind.StatelessReset, pair.Alice.Handler.Closed[0].Close.Kind);
        Assert.Equal(1UL, pair.Bob.Endpoint.Stats.StatelessResetsSent);
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.Single(pair.Alice.Handler.Closed);
        Assert.Equal(0, pair.Connections);
    }

    [Fact]
    public void StatelessReset_DialerRestarted_AcceptorHearsNothingAndIdlesOut()
    {
        // A dialer's first connection id carries no reset token (RFC 9000 §18.2): only re-dialing helps, not waiting for a reset.
        using var pair = new SimPair();
        var (_, acceptor) = pair.Connect();
        pair.Net.Crash(pair.Alice);
        var again = pair.Net.AddHost(1, SimPair.Options(TestCertificates.AliceCredentials, 1));
        pair.Bob.SendDatagram(acceptor, new byte[100]);
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.True(again.Endpoint.Stats.StatelessResetsSent > 0);
        Assert.False(acceptor.IsClosed);
        pair.Net.Run(TimeSpan.FromSeconds(40));
        Assert.Equal(QuicCloseKind.IdleTimeout, Assert.Single(pair.Bob.Handler.Closed).Close.Kind);
    }

    [Fact]
    public void StatelessReset_OtherSecret_NotBelieved()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        pair.Net.Crash(pair.Bob);
        pair.Bob = pair.Net.AddHost(2, SimPair.Options(TestCertificates.BobCredentials, 2) with { ResetSecret = new byte[32] });
        pair.Alice.SendDatagram(dialer, new byte[100]);
        pair.Net.Run(TimeSpan.FromSeconds(3));
        Assert.True(pair.Bob.Endpoint.Stats.StatelessResetsSent > 0);
        Assert.Empty(pair.Alice.Handler.Closed);
    }

    [Theory]
    [InlineData(1_000, 42)]
    [InlineData(30, 29)]
    [InlineData(22, 21)]
    [InlineData(21, 0)]
    [InlineData(9, 0)]
    [InlineData(5, 0)]
    public void StatelessReset_AnySize_ShorterThanItsTrigger(int trigger, int answer)
    {
        using var pair = new SimPair();
        var packet = new byte[trigger];
        packet[0] = 0x40;
        packet[1] = 2;
        pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, packet, pair.Net.Now);
        Assert.Equal(answer, pair.Bob.Endpoint.TakeStateless(_packet, out _));
    }

    [Fact]
    public void StatelessReset_Flood_RateLimited()
    {
        using var pair = new SimPair();
        var packet = new byte[100];
        packet[0] = 0x40;
        packet[1] = 2;
        var answers = 0;
        for (var i = 0; i < 1_000; i++)
        {
            pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, packet, pair.Net.Now);
            answers += pair.Bob.Endpoint.TakeStateless(_packet, out _) > 0 ? 1 : 0;
        }

        Assert.Equal(100, answers);
        pair.Net.Run(TimeSpan.FromSeconds(2));
        pair.Bob.Endpoint.Receive(new QuicPath(pair.Bob.Address, pair.Alice.Address), 0, packet, pair.Net.Now);
        Assert.True(pair.Bob.Endpoint.TakeStateless(_packet, out _) > 0);
    }

    [Fact]
    public void Dispose_InsideACallback_InvalidOperation()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        var thrown = 0;
        pair.Bob.Handler.DatagramHook = (_, _) => thrown += Record.Exception(pair.Bob.Endpoint.Dispose) is InvalidOperationException ? 1 : 0;
        pair.Alice.SendDatagram(dialer, [1]);
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(1, thrown);
        Assert.Equal(2, pair.Connections);
    }

    [Fact]
    public void Dispose_WithLiveConnections_FreesEverything()
    {
        var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        pair.Alice.Dial(pair.Bob);
        pair.Dispose();
        pair.Dispose();
        Assert.False(dialer.HasNativeState);
        Assert.False(acceptor.HasNativeState);
        Assert.Equal(0, pair.Connections);
        Assert.Equal(0, pair.Alice.Endpoint.IdCount + pair.Bob.Endpoint.IdCount);
    }

    /// <summary>A packet that leads to the connection, whatever is in it.</summary>
    private static byte[] ShortPacket(SimHost host, QuicConnection connection)
    {
        var packet = new byte[40];
        packet[0] = 0x40;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(packet.AsSpan(1), connection.OwnIds[0]);
        return packet;
    }
}
