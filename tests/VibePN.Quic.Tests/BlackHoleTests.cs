using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

/// <summary>A path that suddenly carries less, without a word, under a real connection.</summary>
public sealed class BlackHoleTests
{
    [Theory]
    [InlineData(1_472, 1_272, 1_252, 1)]
    [InlineData(1_472, 1_272, 1_252, 10)]
    [InlineData(1_472, 1_372, 1_372, 40)]
    [InlineData(8_972, 1_472, 1_472, 10)]
    [InlineData(1_472, 1_200, 1_200, 10)]
    public void LinkShrinksInMidFlow_TrafficAgainWithinASecond_AndBackWithinAMinute(int before, int after, int expected, int delayMs)
    {
        using var pair = new SimPair(link: new LinkSettings { MaxUdpPayloadBytes = before, DelayNanos = (ulong)delayMs * 1_000_000 });
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(before, dialer.GetStats().PathMtuBytes);
        Send(pair, dialer, 500);
        var link = pair.Net.Link(pair.Alice.Address, pair.Bob.Address);
        link.Settings = link.Settings with { MaxUdpPayloadBytes = after };
        Send(pair, dialer, delayMs + 5);
        var arrived = pair.Bob.Handler.DatagramCount;
        var silent = 0;
        for (; pair.Bob.Handler.DatagramCount <= arrived + 20; silent++)
        {
            Send(pair, dialer, 1);
            Assert.True(silent < 1_000, $"silent for {silent} ms");
        }

        Send(pair, dialer, 1_000);
        Assert.Equal(expected, dialer.GetStats().PathMtuBytes);
        Assert.Equal(expected - 31, dialer.MaxDatagramBytes);
        Assert.Equal(before, acceptor.GetStats().PathMtuBytes);
        Assert.Equal(1, dialer.BlackHoles);
        link.Settings = link.Settings with { MaxUdpPayloadBytes = before };
        for (var seconds = 0; dialer.GetStats().PathMtuBytes < before; seconds++)
        {
            Send(pair, dialer, 1_000);
            Assert.True(seconds < 60, "not raised within a minute");
        }

        Assert.Equal(before - 31, pair.Alice.Handler.MaxDatagrams[^1]);
        Send(pair, dialer, 2_000);
        Assert.Equal(1, dialer.BlackHoles);
        Assert.False(dialer.IsClosed);
        TestContext.Current.SendDiagnosticMessage($"{before} -> {after}, {delayMs} ms: silent for {silent} ms");
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.1)]
    public void LossyLink_AllSizesAlike_NotCapped(double loss)
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            using var pair = new SimPair(seed, new LinkSettings { Loss = loss });
            var (dialer, _) = pair.Connect();
            pair.Net.Run(TimeSpan.FromSeconds(10));
            Send(pair, dialer, 5_000);
            Assert.True(dialer.BlackHoles == 0, $"capped by chance (seed {seed})");
        }
    }

    [Fact]
    public void IdleAndCapped_NoBusyWaiting()
    {
        using var pair = new SimPair();
        var (dialer, _) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(10));
        var link = pair.Net.Link(pair.Alice.Address, pair.Bob.Address);
        link.Settings = link.Settings with { MaxUdpPayloadBytes = 1_300 };
        Send(pair, dialer, 3_000);
        Assert.Equal(1, dialer.BlackHoles);
        var sent = pair.Alice.Sent;
        pair.Net.Run(TimeSpan.FromSeconds(60));
        Assert.InRange(pair.Alice.Sent - sent, 1, 60);
    }

    /// <summary>One full datagram every millisecond and a small one every tenth, as far as the window lets them.</summary>
    private static void Send(SimPair pair, QuicConnection connection, int milliseconds)
    {
        for (var i = 0; i < milliseconds; i++)
        {
            pair.Alice.SendDatagram(connection, new byte[connection.MaxDatagramBytes]);
            if (i % 10 == 9)
            {
                pair.Alice.SendDatagram(connection, new byte[60]);
            }

            pair.Net.Run(TimeSpan.FromMilliseconds(1));
        }
    }
}
