using VibePN.Bench.Relay;
using Xunit;

namespace VibePN.Bench.Tests;

public sealed class LineQueueTests
{
    private const ulong Milli = 1_000_000;
    private const ulong Start = 1_000 * Milli;

    [Fact]
    public void TryTake_DelayOnly_InOrderAndNotBefore()
    {
        LineQueue line = new(new LineSettings { Delay = TimeSpan.FromMilliseconds(25) }, seed: 1);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(LineFate.Travels, line.Offer([(byte)i, 7], tag: i, Start + ((ulong)i * Milli)));
        }

        Assert.Equal(Start + (25 * Milli), line.NextNanos);
        Assert.False(line.TryTake(Start + (25 * Milli) - 1, out _));
        for (var i = 0; i < 3; i++)
        {
            Assert.True(line.TryTake(line.NextNanos, out var datagram));
            Assert.Equal([(byte)i, 7], datagram.Bytes.ToArray());
            Assert.Equal(i, datagram.Tag);
        }

        Assert.Equal(ulong.MaxValue, line.NextNanos);
        Assert.Equal(0, line.Count);
    }

    [Fact]
    public void Offer_Loss_IsThatPartAndTheSameForTheSameSeed()
    {
        const int Count = 20_000;
        var first = Fates(seed: 5);

        Assert.InRange(first.Count(fate => fate == LineFate.Lost), Count * 0.025, Count * 0.035);
        Assert.Equal(first, Fates(seed: 5));
        Assert.NotEqual(first, Fates(seed: 6));

        static LineFate[] Fates(ulong seed)
        {
            LineQueue line = new(new LineSettings { Loss = 0.03 }, seed);
            return [.. Enumerable.Range(0, Count).Select(_ => line.Offer([1], 0, Start))];
        }
    }

    [Fact]
    public void TryTake_Jitter_SpreadsAndKeepsTheOrder()
    {
        LineQueue line = new(new LineSettings { Delay = TimeSpan.FromMilliseconds(10), Jitter = TimeSpan.FromMilliseconds(5) }, seed: 3);
        var arrivals = Arrivals(line, 500, spacing: Milli / 10, bytes: 100);

        Assert.Equal(Enumerable.Range(0, 500), arrivals.Select(arrival => arrival.Number));
        Assert.All(arrivals, arrival => Assert.InRange(arrival.Nanos - Sent(arrival.Number, Milli / 10), 10 * Milli, 15 * Milli));
        Assert.True(arrivals.Select(arrival => arrival.Nanos - Sent(arrival.Number, Milli / 10)).Distinct().Count() > 10);
    }

    [Fact]
    public void TryTake_Reorder_HoldsSomeBackAndLosesNone()
    {
        LineQueue line = new(new LineSettings { Reorder = 0.05 }, seed: 4);
        var arrivals = Arrivals(line, 1_000, spacing: Milli, bytes: 100);

        Assert.Equal(Enumerable.Range(0, 1_000), arrivals.Select(arrival => arrival.Number).Order());
        Assert.InRange(arrivals.Zip(arrivals.Skip(1)).Count(pair => pair.First.Number > pair.Second.Number), 20, 100);
    }

    [Fact]
    public void Offer_Rate_PassesThatMuchAndDropsWhatTheQueueCannotHold()
    {
        // 1,000 bytes a millisecond; each datagram counts 1,000 with its headers.
        LineQueue line = new(new LineSettings { BytesPerSecond = 1_000_000, BurstBytes = 1_000, QueueBytes = 50_000 }, seed: 1);
        var payload = new byte[972];
        var fates = Enumerable.Range(0, 100).Select(_ => line.Offer(payload, 0, Start)).ToList();

        // One by the bucket at once, fifty that wait.
        Assert.Equal(51, fates.Count(fate => fate == LineFate.Travels));
        Assert.Equal(49, fates.Count(fate => fate == LineFate.Overflow));
        List<ulong> arrivals = [];
        while (line.NextNanos != ulong.MaxValue)
        {
            arrivals.Add(line.NextNanos);
            Assert.True(line.TryTake(line.NextNanos, out _));
        }

        Assert.Equal(Enumerable.Range(0, 51).Select(i => Start + ((ulong)i * Milli)), arrivals);
        Assert.Equal(LineFate.Travels, line.Offer(payload, 0, Start + (60 * Milli)));
        Assert.Equal(Start + (60 * Milli), line.NextNanos);
    }

    [Fact]
    public void Offer_WithoutEnd_MemoryIsBounded()
    {
        LineQueue line = new(new LineSettings { Delay = TimeSpan.FromHours(1) }, seed: 1);
        var large = new byte[60_000];
        var taken = 0;
        while (line.Offer(large, 0, Start) == LineFate.Travels)
        {
            Assert.True(++taken < 10_000, "no bound");
        }

        Assert.InRange(taken, 1_000, 5_000);
    }

    [Fact]
    public void Parse_EveryOption_IsRead()
    {
        var options = RelayOptions.Parse(["left=192.0.2.1", "right=192.0.2.2", "left-peer=192.0.2.3", "right-peer=192.0.2.4", "ports=1,2",
            "delay-ms=2.5", "jitter-ms=1", "loss=0.001", "reorder=0.2", "rate-mbit=8", "queue-kib=4", "seed=9"]);

        Assert.Equal([1, 2], options.Ports);
        Assert.Equal(9ul, options.Seed);
        Assert.Equal(
            new LineSettings
            {
                Delay = TimeSpan.FromMilliseconds(2.5),
                Jitter = TimeSpan.FromMilliseconds(1),
                Loss = 0.001,
                Reorder = 0.2,
                BytesPerSecond = 1_000_000,
                QueueBytes = 4_096,
            },
            options.Line);
    }

    [Theory]
    [InlineData("left=192.0.2.1")]
    [InlineData("left=192.0.2.1", "right=192.0.2.2", "left-peer=192.0.2.3", "right-peer=192.0.2.4", "ports=1", "speed=9")]
    [InlineData("left=192.0.2.1", "left=192.0.2.1")]
    [InlineData("left")]
    public void Parse_MissingUnknownOrTwice_Throws(params string[] arguments) =>
        Assert.Throws<FormatException>(() => RelayOptions.Parse(arguments));

    private static ulong Sent(int number, ulong spacing) => Start + ((ulong)number * spacing);

    private static List<(int Number, ulong Nanos)> Arrivals(LineQueue line, int count, ulong spacing, int bytes)
    {
        List<(int, ulong)> arrivals = [];
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(LineFate.Travels, line.Offer(new byte[bytes], i, Sent(i, spacing)));
        }

        while (line.NextNanos is var next and not ulong.MaxValue)
        {
            Assert.True(line.TryTake(next, out var datagram));
            arrivals.Add((datagram.Tag, next));
        }

        return arrivals;
    }
}
