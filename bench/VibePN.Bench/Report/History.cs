using System.Globalization;

namespace VibePN.Bench.Report;

/// <summary>One line per run in bench/HISTORY.md.</summary>
internal static class History
{
    private static readonly string[] _columns = ["raw", "wg", "udp1200", "udp64", "ping", "load", "cpu", "cubic1", "bbr1", "cubic3", "bbr3", "fair"];

    private const string Head = """
        # Runs of `make bench`

        Ratios of one run each, by which versions and machines can be compared; docs/benchmarks.md says what they mean. New lines are appended.

        | date | commit | run | ÷ raw | ÷ wg-go | UDP 1200 | UDP 64 | ping | load, ms | cpu | CUBIC 1 % | BBR 1 % | CUBIC 3 % | BBR 3 % | fair |
        |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|

        """;

    public static string Line(RunResult run)
    {
        var ratios = Ratio.All(run).ToDictionary(ratio => ratio.Key, ratio => ratio.Value);
        var values = _columns.Select(key => Tables.Text(ratios.GetValueOrDefault(key, double.NaN)));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {run.Started.UtcDateTime:yyyy-MM-dd} | {run.Commit} | {(run.Quick ? "quick" : "full")} | {string.Join(" | ", values)} |\n");
    }

    public static void Append(string file, RunResult run)
    {
        if (!File.Exists(file))
        {
            File.WriteAllText(file, Head);
        }

        File.AppendAllText(file, Line(run));
    }
}
