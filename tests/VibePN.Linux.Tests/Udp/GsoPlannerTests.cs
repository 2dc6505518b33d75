namespace VibePN.Linux.Tests;

public sealed class GsoPlannerTests
{
    [Theory]
    [InlineData("1200 1200 1200", "3x1200")]
    [InlineData("1200 1200 700", "3x1200")]
    [InlineData("1200 700 700", "2x1200 1x700")]
    [InlineData("700 1200 1200", "1x700 2x1200")]
    [InlineData("1200 1201", "1x1200 1x1201")]
    [InlineData("1200/1 1200/1 1200/2 1200/2 1200/1", "2x1200 2x1200 1x1200")]
    [InlineData("65507 1", "1x65507 1x1")]
    [InlineData("32754 32753", "2x32754")]
    [InlineData("32754 32754", "1x32754 1x32754")]
    [InlineData("1", "1x1")]
    public void Next_Golden(string datagrams, string runs) => Assert.Equal(runs, Plan(Parse(datagrams), singleUntil: 0));

    [Fact]
    public void Next_MoreThanMaxSegments_StartsANewRun() =>
        Assert.Equal("64x100 64x100 2x100", Plan(Parse(string.Join(' ', Enumerable.Repeat("100", 130))), singleUntil: 0));

    [Fact]
    public void Next_Gap_EndsTheRun() =>
        Assert.Equal("1x100 1x100", Plan([new GsoDatagram(0, 100, 0), new GsoDatagram(101, 100, 0)], singleUntil: 0));

    [Fact]
    public void Next_BeforeSingleUntil_StaysAlone() => Assert.Equal("1x9 1x9 2x9", Plan(Parse("9 9 9 9"), singleUntil: 2));

    [Fact]
    public void Next_RandomBatches_CoverEveryDatagramOnceAndKeepTheKernelsRules()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var datagrams = new GsoDatagram[random.Next(1, 200)];
            var offset = 0;
            for (var i = 0; i < datagrams.Length; i++)
            {
                datagrams[i] = new GsoDatagram(offset, random.Next(4) == 0 ? random.Next(1, 9000) : 1452, random.Next(8) == 0 ? 1 : 0);
                offset += datagrams[i].Bytes;
            }

            var next = 0;
            while (next < datagrams.Length)
            {
                var run = GsoPlanner.Next(datagrams, next, singleUntil: 0);
                var members = datagrams.AsSpan(next, run.Count).ToArray();
                Assert.True(
                    run.First == next && run.Count is >= 1 and <= 64 && run.TotalBytes <= 65_507
                    && run.TotalBytes == members.Sum(m => m.Bytes)
                    && members[..^1].All(m => m.Bytes == run.SegmentBytes) && members[^1].Bytes <= run.SegmentBytes
                    && members.All(m => m.Target == members[0].Target),
                    $"seed {seed}, datagram {next}: {run}");
                next += run.Count;
            }
        }
    }

    private static GsoDatagram[] Parse(string text)
    {
        var offset = 0;
        return [.. text.Split(' ').Select(word =>
        {
            var parts = word.Split('/');
            var bytes = int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture);
            var target = parts.Length > 1 ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : 0;
            offset += bytes;
            return new GsoDatagram(offset - bytes, bytes, target);
        })];
    }

    private static string Plan(GsoDatagram[] datagrams, int singleUntil)
    {
        var runs = new List<string>();
        for (var i = 0; i < datagrams.Length;)
        {
            var run = GsoPlanner.Next(datagrams, i, singleUntil);
            runs.Add($"{run.Count}x{run.SegmentBytes}");
            i += run.Count;
        }

        return string.Join(' ', runs);
    }
}
