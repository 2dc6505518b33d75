namespace VibePN.Bench.Report;

/// <summary>The plots of a run.</summary>
internal static class Plots
{
    private static readonly IReadOnlyList<Measure> _speed =
        [Measure.TcpOut, Measure.TcpIn, Measure.Tcp4Out, Measure.Tcp4In, Measure.Udp1200, Measure.Udp64];

    private static readonly IReadOnlyList<Measure> _cost =
        [Measure.PingIdle, Measure.PingLoad, Measure.PingLoadP99, Measure.CpuPerGb, Measure.Memory];

    /// <summary>Those of which something was measured, by name.</summary>
    public static IReadOnlyList<(string Name, BarChart Chart)> Of(RunResult run)
    {
        List<(string, BarChart)> plots = [];
        var all = run.Tunnels.ToList();
        Add("speed", "Throughput over a cable (longer is better)", Measure.DirectScene, _speed);
        Add("cost", "Latency, processor time, memory (shorter is better)", Measure.DirectScene, _cost);
        Add("loss", "One TCP flow at 50 ms, by loss (longer is better)", Measure.FarScene, Measure.FarAll);
        Add("slow-peer", "A fast peer beside a slow one that is overloaded", Measure.HubScene, Measure.Hub);
        return plots;

        void Add(string name, string title, string scene, IReadOnlyList<Measure> measures)
        {
            var tunnels = all.Where(tunnel => run.Samples.Exists(sample => sample.Scene == scene && sample.Tunnel == tunnel.Key)).ToList();
            BarGroup[] groups =
            [
                .. measures
                    .Select(measure => new BarGroup($"{measure.Title}, {measure.Unit}", [.. tunnels.Select(tunnel => run.Median(scene, tunnel.Key, measure.Key))]))
                    .Where(group => group.Values.Any(double.IsFinite)),
            ];
            if (groups.Length > 0)
            {
                plots.Add((name, new BarChart(title, [.. tunnels.Select(tunnel => new BarSeries(tunnel.Name, all.IndexOf(tunnel)))], groups)));
            }
        }
    }
}
