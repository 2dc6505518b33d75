using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

/// <summary>Whatever a line does short of cutting it: streams whole and in order both ways, datagrams never twice or damaged.</summary>
public sealed class LossyLinkTests
{
    private const int StreamBytes = 100_000;

    public static IEnumerable<TheoryDataRow<int>> Seeds => Enumerable.Range(1, 50).Select(seed => new TheoryDataRow<int>(seed));

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Transfer_LossReorderingDuplicationCorruption_StreamsWholeBothWays(int seed)
    {
        var random = new Random(seed);
        var link = new LinkSettings
        {
            DelayNanos = (ulong)random.Next(1, 40) * 1_000_000,
            JitterNanos = (ulong)random.Next(0, 20) * 1_000_000,
            Loss = random.NextDouble() * 0.15,
            Duplication = random.NextDouble() * 0.1,
            Corruption = random.NextDouble() * 0.03,
            MaxUdpPayloadBytes = random.Next(1_232, 1_500),
        };
        var settings = new QuicSettings { HandshakeTimeout = TimeSpan.FromSeconds(60), UseBbr = seed % 2 == 0 };
        using var pair = new SimPair(seed, link, settings, o => seed % 5 == 0 ? o with { RetryAbovePerSecond = 0 } : o, v6: seed % 3 == 0);
        var (dialer, acceptor) = pair.Connect();
        var toBob = Start(pair.Alice, dialer, random);
        var toAlice = Start(pair.Bob, acceptor, random);
        var datagrams = 0;
        var done = pair.Net.RunUntil(
            () =>
            {
                toBob.Pump();
                toAlice.Pump();
                if (datagrams < 200 && pair.Alice.SendDatagram(dialer, Numbered(datagrams)) == DatagramWrite.Written)
                {
                    datagrams++;
                }

                return toBob.HasArrived(pair.Bob, acceptor) && toAlice.HasArrived(pair.Alice, dialer) && datagrams == 200;
            },
            TimeSpan.FromMinutes(10));
        Assert.True(done, $"seed {seed}: {link}");
        toBob.Check(pair.Bob, acceptor);
        toAlice.Check(pair.Alice, dialer);
        pair.Net.Run(TimeSpan.FromSeconds(20));
        var arrived = pair.Bob.Handler.Datagrams.Select(d => BitConverter.ToInt32(d)).ToList();
        Assert.Equal(arrived.Count, arrived.Distinct().Count());
        Assert.All(pair.Bob.Handler.Datagrams, d => Assert.Equal(Numbered(BitConverter.ToInt32(d)), d));
        var stats = dialer.GetStats();

        // One taken for lost may still arrive and be acknowledged: then it counts in both.
        Assert.True(stats.DatagramsAcked + stats.DatagramsLost >= 200, $"seed {seed}: {stats}");
        Assert.True((ulong)arrived.Count >= stats.DatagramsAcked, $"seed {seed}: {arrived.Count} arrived, {stats}");
        dialer.Close(7, "done");
        pair.Alice.Flush();
        Assert.True(pair.Net.RunUntil(() => pair.Bob.Handler.Closed.Count == 1, TimeSpan.FromMinutes(2)), $"seed {seed}");
        pair.Net.Run(TimeSpan.FromMinutes(2));
        Assert.Equal(0, pair.Connections);
        Assert.Equal(0, pair.Alice.Endpoint.IdCount + pair.Bob.Endpoint.IdCount);
    }

    private static byte[] Numbered(int number)
    {
        var bytes = new byte[20 + (number * 5 % 1_000)];
        Array.Fill(bytes, (byte)number);
        BitConverter.TryWriteBytes(bytes, number);
        return bytes;
    }

    private static Transfer Start(SimHost host, QuicConnection connection, Random random)
    {
        var data = new byte[StreamBytes];
        random.NextBytes(data);
        return new Transfer(host, connection, connection.OpenStream(), data);
    }

    private sealed class Transfer(SimHost host, QuicConnection connection, long stream, byte[] data)
    {
        private int _queued;

        public void Pump()
        {
            while (_queued < data.Length)
            {
                var part = Math.Min(7_777, data.Length - _queued);
                if (!connection.TryWriteStream(stream, data.AsSpan(_queued, part), fin: _queued + part == data.Length))
                {
                    return;
                }

                _queued += part;
                host.Flush();
            }
        }

        public bool HasArrived(SimHost other, QuicConnection end) => other.Handler.Finished.Contains((end, stream));

        public void Check(SimHost other, QuicConnection end) => Assert.Equal(data, other.Handler.Streams[(end, stream)].ToArray());
    }
}
