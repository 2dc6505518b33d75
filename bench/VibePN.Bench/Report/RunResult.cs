using System.Text.Json;

namespace VibePN.Bench.Report;

/// <summary>Everything that a run found; tables and plots are made from this alone.</summary>
internal sealed record RunResult
{
    private static readonly JsonSerializerOptions _options = new() { WriteIndented = true };

    public required DateTimeOffset Started { get; init; }

    /// <summary>With a <c>+</c> when files had been changed.</summary>
    public required string Commit { get; init; }

    public required bool Quick { get; init; }

    public required string Machine { get; init; }

    /// <summary>Seconds of one throughput measurement, and those before that do not count.</summary>
    public required int Seconds { get; init; }

    public required int OmitSeconds { get; init; }

    /// <summary>Measured ones, in the order of tables: key and name.</summary>
    public required IReadOnlyList<TunnelName> Tunnels { get; init; }

    /// <summary>Which programs were measured, in their own words.</summary>
    public List<string> Versions { get; init; } = [];

    /// <summary>What was left out or failed, as sentences.</summary>
    public List<string> Notes { get; init; } = [];

    public List<Sample> Samples { get; init; } = [];

    public double Minutes { get; set; }

    public IReadOnlyList<double> Values(string scene, string tunnel, string measure) =>
        [.. Samples.Where(sample => sample.Scene == scene && sample.Tunnel == tunnel && sample.Measure == measure).Select(sample => sample.Value)];

    /// <summary>NaN when nothing was measured.</summary>
    public double Median(string scene, string tunnel, string measure) => Statistics.Median(Values(scene, tunnel, measure));

    public string ToJson() => JsonSerializer.Serialize(this, _options);

    /// <exception cref="JsonException">It is not the text of a run.</exception>
    public static RunResult FromJson(string json) => JsonSerializer.Deserialize<RunResult>(json) ?? throw new JsonException("null");
}

internal sealed record TunnelName(string Key, string Name);
