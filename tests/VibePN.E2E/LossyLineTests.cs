using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>A line that loses one packet of a hundred: what TCP gets through it, and what a flow like a voice beside it notices. LOSSY_SECONDS=20 by hand, for the figures.</summary>
public sealed partial class LossyLineTests : IDisposable
{
    private const int PingsPerSecond = 50;

    /// <summary>An inner CUBIC flow alone gets about 10 Mbit/s by this line.</summary>
    private const double MinMbits = 20;

    private static readonly int s_seconds = int.Parse(Environment.GetEnvironmentVariable("LOSSY_SECONDS") ?? "6", CultureInfo.InvariantCulture);

    private readonly TestBed _bed = new();
    private readonly TestNode _one;
    private readonly TestNode _two;
    private readonly Line _line;

    public LossyLineTests()
    {
        (_one, _two) = (_bed.AddNode("one"), _bed.AddNode("two"));
        _line = new Line(_bed, _one.Host, _two.Host);
        _line.Play("delay-ms=10", "loss=0.01");
        new ConfigBuilder(_two).PeerAt(_one, null).Corp().Start();
        new ConfigBuilder(_one).PeerAt(_two, _line.Address).Corp().Start();
        _one.Host.WaitForPing(_two.Inner);
    }

    public void Dispose()
    {
        _line.Dispose();
        _bed.Dispose();
    }

    [Fact]
    public void Tcp_OverALossyLine_IsRepairedAndASmallFlowBesideItIsNotDelayed()
    {
        List<double> alone = Ping(s_seconds);
        using RunningProgram server = _two.Host.Start("iperf3", "--server", "--one-off", "--bind", _two.Inner);
        Wait.Until(TimeSpan.FromSeconds(15), "iperf3 listens", () => _two.Host.Run("ss", "-Hltn", "sport = :5201").Output.Length > 0);
        using RunningProgram client = _one.Host.Start(
            "iperf3", "--client", _two.Inner, "--congestion", "cubic", "--json", "--omit", "3", "--time", (s_seconds + 2).ToString(CultureInfo.InvariantCulture));
        Wait.For(TimeSpan.FromSeconds(3));
        List<double> beside = Ping(s_seconds);
        client.WaitForExit(TimeSpan.FromSeconds(30));

        Assert.True(client.ExitCode == 0, client.Output + client.Errors);
        double mbits = JsonNode.Parse(client.Output)!["end"]!["sum_received"]!["bits_per_second"]!.GetValue<double>() / 1e6;
        JsonNode here = _one.PeerOf(_two)!, there = _two.PeerOf(_one)!;
        long repaired = there["repair"]?["repaired"]?.GetValue<long>() ?? 0, rebuilt = there["parity"]?["rebuilt"]?.GetValue<long>() ?? 0;
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"CUBIC {mbits:F0} Mbit/s, {repaired} sent again, {rebuilt} rebuilt; ping alone {Text(alone)}, beside it {Text(beside)}"));
        Assert.True(mbits >= MinMbits, $"{mbits:F1} Mbit/s\n{here}");
        Assert.True(repaired + rebuilt > 0, $"nothing was repaired\n{there}");

        // Packets of a hundred are lost each way; one that waited for another flow's repair would come a round trip later.
        Assert.InRange(beside.Count, s_seconds * PingsPerSecond * 9 / 10, s_seconds * PingsPerSecond);
        Assert.True(Share(beside, 0.5) <= Share(alone, 0.5) + 20, $"alone {Text(alone)}, beside it {Text(beside)}");
    }

    /// <summary>Round trips in milliseconds, of those that were answered.</summary>
    private List<double> Ping(int seconds)
    {
        Outcome ping = _one.Host.Run(
            TimeSpan.FromSeconds(seconds + 20),
            "ping", "-n", "-i", "0.02", "-s", "160", "-W", "1", "-c", (seconds * PingsPerSecond).ToString(CultureInfo.InvariantCulture), _two.Inner);
        return [.. Answer().Matches(ping.Output).Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).Order()];
    }

    private static double Share(List<double> sorted, double share) => sorted[(int)(share * (sorted.Count - 1))];

    private static string Text(List<double> sorted) => string.Create(
        CultureInfo.InvariantCulture,
        $"{sorted.Count} answers, {Share(sorted, 0.5):F1} ms, p95 {Share(sorted, 0.95):F1}, p99 {Share(sorted, 0.99):F1}, most {sorted[^1]:F1}");

    [GeneratedRegex(@"^[0-9]+ bytes from .* time=([0-9.]+) ms", RegexOptions.Multiline)]
    private static partial Regex Answer();
}
