using VibePN.Bench.Report;
using Xunit;

namespace VibePN.Bench.Tests;

public sealed class StatisticsTests
{
    [Theory]
    [InlineData(new double[] { 3 }, 3)]
    [InlineData(new double[] { 5, 1, 4 }, 4)]
    [InlineData(new double[] { 9, 1, 2, 4 }, 3)]
    [InlineData(new double[] { }, double.NaN)]
    public void Median_OfAny_IsTheMiddle(double[] values, double expected) => Assert.Equal(expected, Statistics.Median(values));

    [Theory]
    [InlineData(0.99, 99)]
    [InlineData(0.5, 50)]
    [InlineData(0, 1)]
    [InlineData(1, 100)]
    public void Quantile_OfOneToHundred_IsTheNearestRank(double part, double expected) =>
        Assert.Equal(expected, Statistics.Quantile([.. Enumerable.Range(1, 100).Select(i => (double)i).Reverse()], part));

    [Fact]
    public void Quantile_OfNothing_IsNaN() => Assert.Equal(double.NaN, Statistics.Quantile([], 0.99));
}
