using VibePN.Quic.Parity;
using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests.Parity;

/// <summary>Parity between two connections: what is rebuilt QUIC never misses; and what else may arrive in that shape.</summary>
public sealed class ParityConnectionTests
{
    private static readonly TimeSpan Age = TimeSpan.FromMilliseconds(3);
    private int _number;

    [Theory]
    [InlineData(1, 0.01)]
    [InlineData(2, 0.03)]
    [InlineData(3, 0.03)]
    public void Datagrams_OverALineWithLoss_AreMostlyNotMissed(int seed, double loss)
    {
        using var pair = new SimPair(seed, new LinkSettings { DelayNanos = 25_000_000 });
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(2));
        Line(pair).Settings = new LinkSettings { DelayNanos = 25_000_000, Loss = loss };
        acceptor.TakesParity = true;
        dialer.SetParity(4, TimeSpan.FromMilliseconds(5));
        var sent = Send(pair, dialer, 10_000);

        var stats = dialer.GetStats();
        var parity = acceptor.Parity;
        var arrived = pair.Bob.Handler.Datagrams.Select(datagram => BitConverter.ToInt32(datagram)).ToList();
        Assert.Equal(arrived.Count, arrived.Distinct().Count());
        Assert.True(stats.DatagramsLost < sent * loss / 2, $"seed {seed}: {stats}, {parity}");
        Assert.True(arrived.Count > sent * (1 - (loss / 2)), $"seed {seed}: {arrived.Count} of {sent}");
        Assert.InRange(parity.Rebuilt, sent * loss * 0.5, sent * loss * 1.5);
        Assert.InRange(dialer.Parity.Written, dialer.Parity.Covered / 4 * 0.7, (dialer.Parity.Covered / 4 * 1.5) + 3);
        Assert.Equal(0UL, acceptor.Parity.Covered);
    }

    [Fact]
    public void Reordering_OfCoveredPackets_IsNoLoss()
    {
        using var pair = new SimPair(4, new LinkSettings { DelayNanos = 10_000_000, JitterNanos = 3_000_000, Duplication = 0.05 });
        var (dialer, acceptor) = pair.Connect();
        acceptor.TakesParity = true;
        dialer.SetParity(8, Age);
        var sent = Send(pair, dialer, 5_000);
        pair.Net.Run(TimeSpan.FromSeconds(1));

        Assert.Equal(sent, pair.Bob.Handler.Datagrams.Count);
        Assert.Equal(0UL, acceptor.Parity.Rebuilt);
    }

    [Fact]
    public void CoveredPackets_ToAnEndThatDoesNotTakeThem_AreNotUnderstood()
    {
        using var pair = new SimPair(5);
        var (dialer, acceptor) = pair.Connect();
        dialer.SetParity(8, Age);
        Send(pair, dialer, 20);

        Assert.Empty(pair.Bob.Handler.Datagrams);
        Assert.False(acceptor.IsClosed);
        dialer.SetParity(0, Age);
        Send(pair, dialer, 20);
        Assert.Equal(20, pair.Bob.Handler.Datagrams.Count);
        Assert.Equal((0UL, 0UL), (acceptor.Parity.CoveredIn, acceptor.Parity.ParityIn));
    }

    [Fact]
    public void Sender_WithoutParity_SendsPacketsOfQuicOnly()
    {
        using var pair = new SimPair(6);
        var (dialer, _) = pair.Connect();
        var others = 0;
        Line(pair).Swallow = packet =>
        {
            others += (packet[0] & 0xc0) == 0 ? 1 : 0;
            return false;
        };
        dialer.SetParity(0, Age);
        Send(pair, dialer, 100);

        Assert.Equal((0, 100), (others, pair.Bob.Handler.Datagrams.Count));
    }

    [Fact]
    public void CoveredPackets_FromAnotherAddress_AreRememberedOnceQuicHasMovedThere()
    {
        using var pair = new SimPair(7);
        var (dialer, acceptor) = pair.Connect();
        acceptor.TakesParity = true;
        dialer.SetParity(8, TimeSpan.FromSeconds(1));
        List<byte[]> packets = [];
        Line(pair).Swallow = packet =>
        {
            if (packet.Length > 200 && (packet[0] & 0xc0) == 0)
            {
                packets.Add(packet);
                return true;
            }

            return false;
        };
        Send(pair, dialer, 8, wait: false);
        Assert.Equal(9, packets.Count);
        Line(pair).Swallow = null;

        var elsewhere = pair.Alice.Address.Bytes.ToArray();
        elsewhere[3]++;
        foreach (var packet in packets.Skip(1))
        {
            pair.Bob.Receive(packet, new QuicAddress(elsewhere));
        }

        Assert.Equal(7, pair.Bob.Handler.Datagrams.Count);

        // The first of them made it move. Without it and the one that is missing, there is nothing to be made.
        Assert.Equal((6UL, 1UL, 1UL, 0UL), (acceptor.Parity.CoveredIn, acceptor.Parity.ParityIn, acceptor.Parity.Unsolved, acceptor.Parity.Rebuilt));
    }

    [Fact]
    public void Forgeries_InTheShapeOfCoveredPackets_DoNoHarm()
    {
        using var pair = new SimPair(8);
        var (dialer, acceptor) = pair.Connect();
        acceptor.TakesParity = true;
        byte[]? sample = null;
        Line(pair).Swallow = packet =>
        {
            sample = (packet[0] & 0xc0) == 0 ? packet : sample;
            return false;
        };
        dialer.SetParity(8, Age);
        Send(pair, dialer, 20);
        Assert.NotNull(sample);
        var before = pair.Bob.Handler.Datagrams.Count;
        var answers = pair.Bob.Sent;
        var random = new Random(8);
        for (var i = 0; i < 20_000; i++)
        {
            var forged = new byte[random.Next(1, 1_472)];
            random.NextBytes(forged);
            sample.AsSpan(0, Math.Min(ParityFormat.HeadBytes, forged.Length)).CopyTo(forged);
            if (forged.Length > ParityFormat.HeadBytes + ParityFormat.ParityTrailerBytes)
            {
                // Near what was received, so that groups are found.
                ParityFormat.WriteTrailer(forged, (ushort)(random.Next(30) | (random.Next(2) * ParityFormat.ParityBit)));
            }

            pair.Bob.Receive(forged, pair.Alice.Address);
        }

        Assert.Equal((before, false), (pair.Bob.Handler.Datagrams.Count, acceptor.IsClosed));
        Assert.InRange(pair.Bob.Sent - answers, 0, 1);

        // What was forged is in the window now; the next packets push it out, and from then on all is as it was.
        var count = Send(pair, dialer, 600);
        Assert.Equal(before + count, pair.Bob.Handler.Datagrams.Count);
    }

    [Fact]
    public void CoveredPacket_ToAnEndThatForgotTheConnection_IsAnsweredWithAReset()
    {
        using var pair = new SimPair(9);
        var (dialer, acceptor) = pair.Connect();
        acceptor.TakesParity = true;
        dialer.SetParity(8, Age);
        pair.Net.Crash(pair.Bob);
        pair.Bob = pair.Net.AddHost(2, SimPair.Options(TestCertificates.BobCredentials, 2));
        Send(pair, dialer, 8);

        Assert.True(dialer.IsClosed);
    }

    [Fact]
    public void CoveredPacket_ToAClosedEnd_IsAnsweredWithItsClosingPacket()
    {
        using var pair = new SimPair(10);
        var (dialer, acceptor) = pair.Connect();
        acceptor.TakesParity = true;
        dialer.SetParity(8, Age);
        var back = pair.Net.Link(pair.Bob.Address, pair.Alice.Address);
        back.Swallow = _ => true;
        acceptor.Close(7, "over");
        pair.Bob.Flush();
        back.Swallow = null;
        Send(pair, dialer, 1);

        Assert.True(dialer.IsClosed);
    }

    [Fact]
    public void Windows_OfManyConnections_AreBoundedAndGivenBack()
    {
        using var pair = new SimPair(11, bob: o => o with { RetryAbovePerSecond = int.MaxValue, DropAbovePerSecond = int.MaxValue });
        var connections = Enumerable.Range(0, QuicLimits.ParityWindows + 2).Select(_ => pair.Connect()).ToList();
        foreach (var (dialer, acceptor) in connections)
        {
            acceptor.TakesParity = true;
            dialer.SetParity(8, Age);
            Send(pair, dialer, 8, wait: false);
        }

        pair.Net.Run(TimeSpan.FromMilliseconds(100));
        Assert.Equal(8 * connections.Count, pair.Bob.Handler.Datagrams.Count);
        Assert.Equal(QuicLimits.ParityWindows, connections.Count(ends => ends.Acceptor.Parity.CoveredIn > 0));

        connections.ForEach(ends => ends.Dialer.SetParity(0, Age));

        // One is idle for long, one is over: there is room for the two that had none, and the counters stay.
        connections[1].Acceptor.Close(0, "");
        pair.Bob.Flush();
        pair.Net.Run(TimeSpan.FromSeconds(11));
        connections[0].Acceptor.ReleaseIdleParity(pair.Net.Now);
        var covered = connections[0].Acceptor.Parity.CoveredIn;
        Assert.True(covered >= 8);
        connections[^1].Dialer.SetParity(8, Age);
        connections[^2].Dialer.SetParity(8, Age);
        Send(pair, connections[^1].Dialer, 8, wait: false);
        Send(pair, connections[^2].Dialer, 8, wait: false);
        pair.Net.Run(TimeSpan.FromMilliseconds(100));
        Assert.True(connections[^1].Acceptor.Parity.CoveredIn > 0 && connections[^2].Acceptor.Parity.CoveredIn > 0);
        Assert.Equal(covered, connections[0].Acceptor.Parity.CoveredIn);
    }

    private static SimLink Line(SimPair pair) => pair.Net.Link(pair.Alice.Address, pair.Bob.Address);

    /// <returns>How many left.</returns>
    private int Send(SimPair pair, QuicConnection from, int count, bool wait = true)
    {
        var sent = 0;
        var payload = new byte[1_000];
        for (var tries = 0; sent < count && tries < count * 200; tries++)
        {
            BitConverter.TryWriteBytes(payload, _number);
            if (pair.Alice.SendDatagram(from, payload) == DatagramWrite.Written)
            {
                sent++;
                _number++;
            }
            else
            {
                pair.Net.Run(TimeSpan.FromMilliseconds(1));
            }
        }

        if (wait)
        {
            pair.Net.Run(TimeSpan.FromMilliseconds(500));
        }

        return sent;
    }
}
