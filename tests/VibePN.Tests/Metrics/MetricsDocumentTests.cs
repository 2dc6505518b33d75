using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace VibePN.Tests.Metrics;

/// <summary>docs/metrics.md lists what a scrape gives, neither more nor less; the dashboard and the alert rules use nothing else.</summary>
public sealed partial class MetricsDocumentTests
{
    private static readonly string s_docs = Path.Combine(FindRoot(), "docs");

    [Fact]
    public void Document_AndAScrapeOfAFullNode_ListTheSame()
    {
        string[] lines = Samples.Text(Samples.Full(1)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Dictionary<string, string> types = lines.Select(line => Type().Match(line)).Where(match => match.Success).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        HashSet<string> scraped = [.. lines.Select(line => Series().Match(line)).Where(match => match.Success).Select(match =>
            Entry(match.Groups[1].Value, types[match.Groups[1].Value], LabelName().Matches(match.Groups[2].Value).Select(label => label.Groups[1].Value)))];

        Assert.True(scraped.Count > 40, $"only {scraped.Count} metrics were seen");
        Assert.Equal(scraped.Order(StringComparer.Ordinal), Documented().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Names_OfCountersAndOthers_FollowPrometheus()
    {
        Assert.All(Documented(), entry => Assert.Equal(entry.Contains("_total ", StringComparison.Ordinal), entry.Contains(" counter ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("grafana/vibepn.json")]
    [InlineData("prometheus/vibepn.rules.yml")]
    public void Queries_UseOnlyMetricsThatExist(string file)
    {
        HashSet<string> known = [.. Documented().Select(entry => entry.Split(' ')[0])];
        List<string> used = [.. Metric().Matches(File.ReadAllText(Path.Combine(s_docs, file))).Select(match => match.Value)];

        Assert.True(used.Distinct().Count() >= 5, $"{file} uses {used.Count} metrics");
        Assert.All(used, name => Assert.Contains(name, known));
    }

    [Fact]
    public void Dashboard_Panels_HaveQueriesAndPlacesOfTheirOwn()
    {
        JsonNode dashboard = JsonNode.Parse(File.ReadAllText(Path.Combine(s_docs, "grafana", "vibepn.json")))!;
        List<JsonNode> panels = [.. dashboard["panels"]!.AsArray().Select(panel => panel!)];

        Assert.True(panels.Count >= 8, $"{panels.Count} panels");
        Assert.Equal(panels.Count, panels.Select(panel => panel["id"]!.GetValue<int>()).Distinct().Count());
        Assert.Equal(panels.Count, panels.Select(panel => (panel["gridPos"]!["x"]!.GetValue<int>(), panel["gridPos"]!["y"]!.GetValue<int>())).Distinct().Count());
        Assert.All(panels, panel =>
        {
            Assert.False(string.IsNullOrWhiteSpace(panel["title"]!.GetValue<string>()));
            Assert.All(panel["targets"]!.AsArray(), target => Assert.Equal(JsonValueKind.String, target!["expr"]!.GetValueKind()));
            Assert.NotEmpty(panel["targets"]!.AsArray());
        });
    }

    /// <summary>The shape that the file keeps: `promtool check rules` reads more kinds of YAML, and says the same of this one.</summary>
    [Fact]
    public void Rules_EachAlert_SaysWhatHowBadAndWhatToDo()
    {
        string[] lines = File.ReadAllLines(Path.Combine(s_docs, "prometheus", "vibepn.rules.yml"));
        Assert.DoesNotContain(lines, line => line.Contains('\t', StringComparison.Ordinal));
        string text = string.Join('\n', lines);
        string[] alerts = text.Split("\n      - alert: ")[1..];

        Assert.True(alerts.Length >= 6, $"{alerts.Length} alerts");
        Assert.Equal(alerts.Length, alerts.Select(alert => alert.Split('\n')[0]).Distinct().Count());
        Assert.All(alerts, alert => Assert.Matches(Alert(), alert));
        Assert.All(new[] { "PeerDown", "Loss", "Refus", "Certificate", "Drops" }, word => Assert.Contains(alerts, alert => alert.Split('\n')[0].Contains(word, StringComparison.Ordinal)));
        Assert.All(lines, line => Assert.True(line.Count(c => c == '(') == line.Count(c => c == ')') && line.Count(c => c == '{') == line.Count(c => c == '}'), line));
    }

    /// <returns>NAME TYPE LABELS of each row.</returns>
    private static List<string> Documented() =>
    [
        .. File.ReadLines(Path.Combine(s_docs, "metrics.md")).Select(line => Row().Match(line)).Where(match => match.Success).Select(match =>
            Entry(match.Groups[1].Value, match.Groups[2].Value, LabelInDocument().Matches(match.Groups[3].Value).Select(label => label.Groups[1].Value))),
    ];

    private static string Entry(string name, string type, IEnumerable<string> labels) => $"{name} {type} {string.Join(',', labels.Order(StringComparer.Ordinal))}";

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new FileNotFoundException("VibePN.slnx above the tests");
    }

    [GeneratedRegex(@"^# TYPE (\w+) (\w+)$")]
    private static partial Regex Type();

    [GeneratedRegex(@"^(\w+)(?:\{(.*)\})? \S+$")]
    private static partial Regex Series();

    [GeneratedRegex(@"(\w+)=""[^""]*""")]
    private static partial Regex LabelName();

    [GeneratedRegex(@"^\| `(vibepn_\w+)` \| (\w+) \|([^|]*)\|")]
    private static partial Regex Row();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex LabelInDocument();

    [GeneratedRegex(@"\bvibepn_\w+")]
    private static partial Regex Metric();

    [GeneratedRegex(@"\A\w+\n        expr: .+\n        for: \d+[smhd]\n        labels:\n          severity: (warning|critical)\n        annotations:\n          summary: "".+""\n          description: "".+""\s*\z")]
    private static partial Regex Alert();
}
