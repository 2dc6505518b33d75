using System.Xml.Linq;
using VibePN.Bench.Measures;
using VibePN.Bench.Report;
using Xunit;

namespace VibePN.Bench.Tests;

public sealed class ReportTests
{
    [Fact]
    public void Report_OfARun_HasMediansRatiosNotesAndRawValues()
    {
        var report = Tables.Report(RunResult.FromJson(Run().ToJson()), ["a.svg"]);

        Assert.Contains("| | raw veth | VibePN | wireguard-go |\n", report, StringComparison.Ordinal);
        Assert.Contains("| TCP, 1 flow, out, Gbit/s | 20.0 | 7.00 | 3.00 |", report, StringComparison.Ordinal);
        Assert.Contains("| TCP, 1 flow, worse direction ÷ wireguard-go | 2.00 |", report, StringComparison.Ordinal);
        Assert.Contains("| memory, MiB | – | – | – |", report, StringComparison.Ordinal);
        Assert.Contains("* Nebula is left out.", report, StringComparison.Ordinal);
        Assert.Contains("* direct tcp1-out vibepn: 6.00 7.00 9.00", report, StringComparison.Ordinal);
        Assert.DoesNotContain("Two peers", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Line_OfARun_HasAsManyFieldsAsTheHead()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.Delete(file);
            History.Append(file, Run());
            History.Append(file, Run());
            var rows = File.ReadAllLines(file).Where(line => line.StartsWith('|')).ToList();

            Assert.Equal(4, rows.Count);
            Assert.Single(rows.Select(row => row.Count(c => c == '|')).Distinct());
            Assert.StartsWith("| 2026-01-02 | abc | quick | 0.300 | 2.00 | – |", rows[3], StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void ToSvg_AnyText_IsXmlWithABarPerValue()
    {
        BarChart chart = new("a < b & \"c\"", [new BarSeries("x", 0), new BarSeries("y", 7)], [new BarGroup("g", [1, double.NaN]), new BarGroup("h", [0, 0])]);

        var svg = XDocument.Parse(chart.ToSvg()).Root!;
        XNamespace space = "http://www.w3.org/2000/svg";

        // Background, two of the legend, four bars.
        Assert.Equal(7, svg.Elements(space + "rect").Count());
        Assert.Contains("a < b & \"c\"", svg.Elements(space + "text").Select(text => text.Value));
        Assert.Contains("–", svg.Elements(space + "text").Select(text => text.Value));
        Assert.All(svg.Elements(space + "rect").Skip(1), bar => Assert.InRange((double)bar.Attribute("width")!, 0, 860));
    }

    [Fact]
    public void Plots_OfARun_OnlyWhereSomethingWasMeasured() => Assert.Equal(["speed"], Plots.Of(Run()).Select(plot => plot.Name));

    [Theory]
    [InlineData(1234.6, "1235")]
    [InlineData(12.34, "12.3")]
    [InlineData(1.234, "1.23")]
    [InlineData(0.0123, "0.012")]
    [InlineData(double.NaN, "–")]
    public void Text_Value_HasThreeDigits(double value, string expected) => Assert.Equal(expected, Tables.Text(value));

    [Fact]
    public void IperfResult_TcpAndUdp_AreRead()
    {
        var tcp = IperfResult.Parse("""
            {"intervals":[{"sum":{"bytes":100,"omitted":true}},{"sum":{"bytes":200,"omitted":false}}],
             "end":{"sum_received":{"seconds":1.5,"bits_per_second":8000}}}
            """);
        var udp = IperfResult.Parse("""{"end":{"sum_received":{"seconds":2,"bits_per_second":1,"packets":1000,"lost_packets":200}}}""");

        Assert.Equal(new IperfResult(8000, 0, 0, 300), tcp);
        Assert.Equal(new IperfResult(1, 400, 0.2, 0), udp);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"error":"unable to connect"}""")]
    public void IperfResult_Failure_Throws(string json) => Assert.Throws<InvalidOperationException>(() => IperfResult.Parse(json));

    [Fact]
    public void ProcessUsage_NamesWithSpacesAndParentheses_AreNoObstacle()
    {
        Assert.Equal(30, ProcessUsage.ParseCpuTicks("17 (a) b) S 1 1 1 0 -1 4194304 100 0 0 0 10 20 0 0 20 0 1 0 5"));
        Assert.Equal(0, ProcessUsage.ParseCpuTicks(""));
        Assert.Equal((9, 36), ProcessUsage.ParseMachineTicks("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2"));
        Assert.Equal(2048, ProcessUsage.ParseResidentKiB("Name:\tx\nVmRSS:\t    2048 kB\n"));
        Assert.Equal(0, ProcessUsage.ParseResidentKiB(""));
        Assert.True(ProcessUsage.LargestResidentMiB([Environment.ProcessId]) > 1);
    }

    [Fact]
    public void Pings_Output_IsRead() => Assert.Equal(
        [0.087, 12],
        Pings.Parse("64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.087 ms\n64 bytes from 10.0.0.1: icmp_seq=2 ttl=64 time=12 ms\n\n2 packets transmitted"));

    [Theory]
    [InlineData("--rounds=0")]
    [InlineData("--rounds")]
    [InlineData("--fast")]
    public void Parse_WrongUsage_Throws(string argument) => Assert.Throws<FormatException>(() => BenchOptions.Parse([argument]));

    [Fact]
    public void Parse_Part_WritesNoHistory()
    {
        Assert.NotNull(BenchOptions.Parse(["--quick"]).HistoryFile);
        Assert.Null(BenchOptions.Parse(["--quick", "--tunnels=vibepn"]).HistoryFile);
        Assert.Equal(7, BenchOptions.Parse(["--seconds=7"]).Times.Seconds);
    }

    private static RunResult Run()
    {
        RunResult run = new()
        {
            Started = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Commit = "abc",
            Quick = true,
            Machine = "2 × x",
            Seconds = 3,
            OmitSeconds = 1,
            Tunnels = [new("raw", "raw veth"), new("vibepn", "VibePN"), new("wireguard-go", "wireguard-go"), new("nebula", "Nebula")],
            Notes = ["Nebula is left out."],
        };
        foreach (var (tunnel, values) in new[] { ("raw", new double[] { 20 }), ("vibepn", [6, 7, 9]), ("wireguard-go", [3]) })
        {
            foreach (var measure in new[] { Measure.TcpOut, Measure.TcpIn })
            {
                run.Samples.AddRange(values.Select((value, round) => new Sample(
                    Measure.DirectScene, tunnel, measure.Key, round, measure == Measure.TcpIn && tunnel == "vibepn" ? value - 1 : value)));
            }
        }

        return run;
    }
}
