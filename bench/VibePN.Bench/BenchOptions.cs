using System.Globalization;
using VibePN.Bench.Measures;
using VibePN.Bench.Report;
using VibePN.Bench.Tunnels;

namespace VibePN.Bench;

/// <summary>What to measure, and for how long.</summary>
internal sealed record BenchOptions
{
    public bool Quick { get; init; }

    /// <summary>Of one TCP flow through <see cref="Deciding"/> tunnels; the median is what counts.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>Of everything else.</summary>
    public int OtherRounds { get; init; } = 5;

    /// <summary>Keys of the tunnels that are set against each other.</summary>
    public IReadOnlyList<string> Deciding { get; init; } = [TunnelKind.Raw, TunnelKind.VibePN, TunnelKind.WireGuard];

    public Times Times { get; init; } = new(10, 2);

    /// <summary>Over the line of 50 ms, where a flow needs time to get going.</summary>
    public Times FarTimes { get; init; } = new(10, 3);

    public double PingSeconds { get; init; } = 3;

    /// <summary>Keys; empty: all.</summary>
    public IReadOnlyList<string> Tunnels { get; init; } = [];

    public IReadOnlyList<string> Scenes { get; init; } = [Measure.DirectScene, Measure.FarScene, Measure.HubScene];

    /// <summary>Tunnels over the relay; in a quick run only the two that are compared.</summary>
    public IReadOnlyList<string> RelayTunnels { get; init; } = [TunnelKind.VibePN, TunnelKind.WireGuard, "openvpn", "nebula"];

    /// <summary>Losses over the relay, in percent.</summary>
    public IReadOnlyList<double> LossPercents { get; init; } = Measure.LossPercents;

    public string ResultsFolder { get; init; } = "bench/results";

    /// <summary>Gets one line of a whole run; null: a part was measured.</summary>
    public string? HistoryFile { get; init; } = "bench/HISTORY.md";

    /// <exception cref="FormatException">Wrong usage.</exception>
    public static BenchOptions Parse(IReadOnlyList<string> arguments)
    {
        BenchOptions options = arguments.Contains("--quick")
            ? new BenchOptions
            {
                Quick = true,
                Rounds = 3,
                OtherRounds = 1,
                Times = new Times(3, 1),
                FarTimes = new Times(3, 2),
                PingSeconds = 1,
                RelayTunnels = [TunnelKind.VibePN, TunnelKind.WireGuard],
            }
            : new BenchOptions();
        foreach (var argument in arguments.Where(argument => argument != "--quick"))
        {
            var parts = argument.Split('=', 2);
            options = (parts[0], parts.Length == 2 ? parts[1] : "") switch
            {
                ("--tunnels", var list and not "") => options with { Tunnels = list.Split(','), HistoryFile = null },
                ("--scenes", var list and not "") => options with { Scenes = list.Split(','), HistoryFile = null },
                ("--losses", var list and not "") => options with
                {
                    LossPercents = [.. list.Split(',').Select(Percent)],
                    HistoryFile = null,
                },
                ("--rounds", var number and not "") =>
                    options with { Rounds = Whole(number), OtherRounds = Math.Min(options.OtherRounds, Whole(number)), HistoryFile = null },
                ("--seconds", var number and not "") => options with
                {
                    Times = options.Times with { Seconds = Whole(number) },
                    FarTimes = options.FarTimes with { Seconds = Whole(number) },
                    HistoryFile = null,
                },
                ("--results", var folder and not "") => options with { ResultsFolder = folder },
                _ => throw new FormatException($"`{argument}` is unknown: see docs/benchmarks.md"),
            };
        }

        return options;
    }

    /// <summary>One of those that the report has a row for.</summary>
    private static double Percent(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && Measure.LossPercents.Contains(percent)
            ? percent
            : throw new FormatException($"`{text}`: one of {string.Join(", ", Measure.LossPercents.Select(known => known.ToString(CultureInfo.InvariantCulture)))} expected");

    private static int Whole(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
        ? number
        : throw new FormatException($"`{text}`: a number above 0 expected");
}
