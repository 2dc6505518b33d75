using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Routing;

public sealed class RangeIndexTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(5_000)]
    public void Find_AnyNumber_LastKeyUpToIt(int count)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        SortedSet<ulong> chosen = [];
        while (chosen.Count < count)
        {
            chosen.Add(random.Next(20) switch
            {
                0 => ulong.MaxValue - (ulong)random.Next(4),
                1 => (ulong)random.Next(4),
                _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
            });
        }

        ulong[] keys = [.. chosen];
        var index = new RangeIndex(keys);
        ulong[] values = [.. keys.SelectMany(key => new[] { key - 1, key, key + 1 }), 0, 1, long.MaxValue, 1UL << 63, ulong.MaxValue];
        foreach (var value in values)
        {
            var found = Array.BinarySearch(keys, value);
            var expected = found >= 0 ? found : ~found - 1;

            Assert.True(expected == index.Find(value), $"{value}: {expected} expected, {index.Find(value)} found (seed {seed})");
            Assert.True(expected < 0 || index[expected] == keys[expected]);
        }
    }
}
