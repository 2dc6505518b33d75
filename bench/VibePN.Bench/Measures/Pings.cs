using System.Globalization;
using System.Text.RegularExpressions;
using VibePN.Bench.Hosts;
using VibePN.Bench.Report;

namespace VibePN.Bench.Measures;

/// <summary>Round trips in milliseconds of a series of echo requests.</summary>
internal sealed partial record Pings(IReadOnlyList<double> Millis, int Sent)
{
    private const int PerSecond = 100;

    public double Median => Statistics.Median(Millis);

    public double P95 => Statistics.Quantile(Millis, 0.95);

    public double P99 => Statistics.Quantile(Millis, 0.99);

    /// <exception cref="InvalidOperationException">Fewer than half were answered.</exception>
    public static Pings Run(BenchHost from, string address, double seconds)
    {
        var count = (int)(seconds * PerSecond);
        var outcome = from.Run(
            TimeSpan.FromSeconds(seconds + 10),
            "ping", "-n", "-i", (1.0 / PerSecond).ToString(CultureInfo.InvariantCulture), "-c", count.ToString(CultureInfo.InvariantCulture), "-W", "2", address);
        Pings pings = new(Parse(outcome.Output), count);
        return pings.Millis.Count * 2 >= count
            ? pings
            : throw new InvalidOperationException($"only {pings.Millis.Count} of {count} pings to {address} were answered");
    }

    public static IReadOnlyList<double> Parse(string output) =>
        [.. Time().Matches(output).Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex(@" time=([0-9.]+) ms")]
    private static partial Regex Time();
}
