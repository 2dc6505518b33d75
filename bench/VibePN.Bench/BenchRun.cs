using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using VibePN.Bench.Hosts;
using VibePN.Bench.Measures;
using VibePN.Bench.Report;
using VibePN.Bench.Scenes;
using VibePN.Bench.Tunnels;
using VibePN.E2E.Harness;

namespace VibePN.Bench;

/// <summary>The subcommand <c>run</c>.</summary>
internal static class BenchRun
{
    private const int Interrupted = 130;
    private const double BusyMachine = 0.1;
    private static readonly TimeSpan _loadTime = TimeSpan.FromSeconds(1);

    public static int Execute(BenchOptions options)
    {
        var unknown = options.Tunnels.Except(TunnelKind.All.Select(kind => kind.Key))
            .Concat(options.Scenes.Except([Measure.DirectScene, Measure.FarScene, Measure.HubScene])).ToList();
        if (unknown.Count > 0)
        {
            throw new FormatException($"unknown: {string.Join(", ", unknown)}; tunnels are {string.Join(", ", TunnelKind.All.Select(kind => kind.Key))}");
        }

        if (!File.Exists(VibeTunnel.Executable))
        {
            Console.Error.WriteLine($"{VibeTunnel.Executable} is missing: run `make build`, or set VIBEPN_EXE.");
            return 1;
        }

        Bed.RemoveLeftovers();
        using Bed bed = new();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Stop(bed));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Stop(bed));
        var start = Stopwatch.GetTimestamp();
        var result = Begin(options);
        Recorder recorder = new(result);
        NoteLoad(recorder);
        var kinds = Present(options, recorder);
        Scene(Measure.DirectScene, () => DirectScene.Run(recorder, bed, options, kinds));
        List<TunnelKind> relayed = [.. kinds.Where(kind => options.RelayTunnels.Contains(kind.Key))];
        Scene(Measure.FarScene, () => FarScene.Run(recorder, bed, options, relayed));
        Scene(Measure.HubScene, () => HubScene.Run(recorder, bed, options, [.. relayed.Where(kind => kind.MaxLegs > 1)]));

        result.Minutes = Stopwatch.GetElapsedTime(start).TotalMinutes;
        var name = Path.Combine(options.ResultsFolder, result.Started.UtcDateTime.ToString("yyyy-MM-dd-HHmmss", CultureInfo.InvariantCulture));
        Directory.CreateDirectory(options.ResultsFolder);
        File.WriteAllText(name + ".json", result.ToJson());
        var report = Write(result, name);
        if (options.HistoryFile is { } history)
        {
            History.Append(history, result);
        }

        Console.Write("\n" + report);
        Console.WriteLine($"\nWritten: {name}.md, .json and plots{(options.HistoryFile is null ? "" : $"; one line in {options.HistoryFile}")}.");
        return result.Samples.Count > 0 ? 0 : 1;

        void Scene(string scene, Action run)
        {
            if (options.Scenes.Contains(scene))
            {
                run();
                bed.Clear();
            }
        }
    }

    /// <summary>Writes table and plots beside the values.</summary>
    /// <param name="name">Path without extension.</param>
    /// <returns>The table.</returns>
    public static string Write(RunResult result, string name)
    {
        var plots = Plots.Of(result);
        foreach (var (plot, chart) in plots)
        {
            File.WriteAllText($"{name}-{plot}.svg", chart.ToSvg());
        }

        var report = Tables.Report(result, plots.Select(plot => $"{Path.GetFileName(name)}-{plot.Name}.svg"));
        File.WriteAllText(name + ".md", report);
        return report;
    }

    private static void Stop(Bed bed)
    {
        bed.Dispose();
        Environment.Exit(Interrupted);
    }

    private static void NoteLoad(Recorder recorder)
    {
        var before = ProcessUsage.MachineTicks();
        Wait.For(_loadTime);
        var after = ProcessUsage.MachineTicks();
        var busy = 1 - ((double)(after.Idle - before.Idle) / Math.Max(after.All - before.All, 1));
        if (busy > BusyMachine)
        {
            recorder.Note(string.Create(CultureInfo.InvariantCulture, $"The machine was busy before the run ({busy:P0} of its processors), so figures are too low."));
        }
    }

    private static List<TunnelKind> Present(BenchOptions options, Recorder recorder)
    {
        List<TunnelKind> present = [];
        foreach (var kind in TunnelKind.All.Where(kind => options.Tunnels.Count == 0 || options.Tunnels.Contains(kind.Key)))
        {
            string[] missing = [.. kind.MissingPrograms()];
            if (missing.Length == 0)
            {
                present.Add(kind);
                if (kind.DescribeVersion() is { Length: > 0 } version)
                {
                    recorder.Result.Versions.Add($"{kind.Name}: {version}");
                }
            }
            else
            {
                recorder.Note($"{kind.Name} is left out: {string.Join(" and ", missing)} cannot be found (`scripts/setup bench` installs what this Debian has).");
            }
        }

        return present;
    }

    private static RunResult Begin(BenchOptions options)
    {
        var commit = Git("rev-parse", "--short=10", "HEAD");
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1];
        return new RunResult
        {
            Started = DateTimeOffset.UtcNow,
            Commit = commit.Length == 0 ? "unknown" : commit + (Git("status", "--porcelain", "--untracked-files=no").Length == 0 ? "" : "+"),
            Quick = options.Quick,
            Machine = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} × {model ?? "processor"}, Linux {Environment.OSVersion.Version}"),
            Seconds = options.Times.Seconds,
            OmitSeconds = options.Times.OmitSeconds,
            Tunnels = [.. TunnelKind.All.Select(kind => new TunnelName(kind.Key, kind.Name))],
        };
    }

    private static string Git(params string[] arguments)
    {
        try
        {
            var outcome = Shell.Run(["git", "-C", Repository.Root, .. arguments]);
            return outcome.ExitCode == 0 ? outcome.Output.Trim() : "";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }
}
