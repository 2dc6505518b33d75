using System.Globalization;
using System.Text;

namespace VibePN.Bench.Report;

/// <summary>A run as Markdown.</summary>
internal static class Tables
{
    private const string None = "–";

    /// <summary>Three digits that matter; a dash for NaN.</summary>
    public static string Text(double value) => Math.Abs(value) switch
    {
        double.NaN => None,
        >= 100 => value.ToString("F0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F1", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("F2", CultureInfo.InvariantCulture),
        _ => value.ToString("F3", CultureInfo.InvariantCulture),
    };

    /// <param name="plots">File names of plots beside the report.</param>
    public static string Report(RunResult run, IEnumerable<string> plots)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Benchmark of {run.Started.UtcDateTime:yyyy-MM-dd HH:mm} UTC

            Commit {run.Commit}, {(run.Quick ? "quick" : "full")} run of {run.Minutes:F1} minutes; {run.Machine}.
            Throughput over {run.Seconds} s after {run.OmitSeconds} s that do not count; medians (docs/benchmarks.md says what each figure means).

            """);
        Section(text, run, "Two hosts and a cable", Measure.DirectScene, Measure.Direct);
        var ratios = Ratio.All(run);
        if (ratios.Count > 0)
        {
            text.Append("\n## VibePN against the others\n\n| | figure | goal |\n|---|---|---|\n");
            foreach (var ratio in ratios)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {ratio.Title} | {Text(ratio.Value)} | {ratio.Goal} |\n");
            }
        }

        Section(text, run, "50 ms and loss: one TCP flow, Mbit/s", Measure.FarScene, Measure.FarAll);
        Section(text, run, "The same: a flow that wants no delay", Measure.FarScene, Measure.FarPings);
        Section(text, run, "Two peers, one of them slow and overloaded", Measure.HubScene, Measure.Hub);
        List(text, "Measured", run.Versions);
        List(text, "Notes", run.Notes);

        text.Append('\n').AppendJoin('\n', plots.Select(plot => $"![{plot}]({plot})")).Append("\n\n## All values\n\n");
        foreach (var group in run.Samples.GroupBy(sample => (sample.Scene, sample.Measure, sample.Tunnel)))
        {
            text.Append(CultureInfo.InvariantCulture, $"* {group.Key.Scene} {group.Key.Measure} {group.Key.Tunnel}: {string.Join(' ', group.Select(sample => Text(sample.Value)))}\n");
        }

        return text.ToString();
    }

    private static void Section(StringBuilder text, RunResult run, string title, string scene, IReadOnlyList<Measure> measures)
    {
        if (run.Samples.Exists(sample => sample.Scene == scene))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n");
            Table(text, run, scene, measures);
        }
    }

    private static void List(StringBuilder text, string title, List<string> lines)
    {
        if (lines.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n").AppendJoin('\n', lines.Select(line => "* " + line)).Append('\n');
        }
    }

    /// <summary>One row per measure, one column per tunnel.</summary>
    private static void Table(StringBuilder text, RunResult run, string scene, IReadOnlyList<Measure> measures)
    {
        var tunnels = run.Tunnels.Where(tunnel => run.Samples.Exists(sample => sample.Scene == scene && sample.Tunnel == tunnel.Key)).ToList();
        text.Append("| |").AppendJoin('|', tunnels.Select(tunnel => $" {tunnel.Name} ")).Append("|\n|---|");
        tunnels.ForEach(_ => text.Append("---:|"));
        text.Append('\n');
        foreach (var measure in measures)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {measure.Title}, {measure.Unit} |");
            tunnels.ForEach(tunnel => text.Append(CultureInfo.InvariantCulture, $" {Text(run.Median(scene, tunnel.Key, measure.Key))} |"));
            text.Append('\n');
        }
    }
}
