using System.Diagnostics.Metrics;
using System.Text;
using VibePN.Metrics;
using Xunit;

namespace VibePN.Tests.Metrics;

public sealed class PrometheusTextTests
{
    [Fact]
    public void Labels_WithQuotesBackslashesAndLines_AreEscaped()
    {
        PrometheusText text = new();
        text.Family("a_total", isCounter: true, "back\\slash\nand \"quotes\"");
        text.Sample("a_total", [new("peer", "a\"b\\c\nd é"), new("none", null)], 7L);

        Assert.Equal(
            "# HELP a_total back\\\\slash\\nand \"quotes\"\n# TYPE a_total counter\na_total{peer=\"a\\\"b\\\\c\\nd é\",none=\"\"} 7\n",
            Encoding.UTF8.GetString(text.Written));
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(0.0105, "0.0105")]
    [InlineData(-1e300, "-1E+300")]
    [InlineData(1_900_000_000, "1900000000")]
    public void Number_OfAnyKind_IsWrittenAsPrometheusReadsIt(double value, string expected)
    {
        PrometheusText text = new();
        text.Sample("g", [], value);
        Assert.Equal($"g {expected}\n", Encoding.UTF8.GetString(text.Written));
    }

    [Fact]
    public void Number_AtTheEndsOfItsRange_Fits()
    {
        PrometheusText text = new();
        text.Sample("g", [], double.MinValue);
        text.Sample("g", [], double.Epsilon);
        text.Sample("g", [], long.MinValue);
        Assert.Equal("g -1.7976931348623157E+308\ng 5E-324\ng -9223372036854775808\n", Encoding.UTF8.GetString(text.Written));
    }

    [Fact]
    public void Exposition_OfOneMeter_LeavesOutOthersAndFamiliesWithoutValues()
    {
        using Meter meter = new("ours");
        using Meter other = new("others");
        _ = meter.CreateObservableGauge("empty", () => Array.Empty<Measurement<double>>());
        _ = meter.CreateObservableGauge("full", () => new Measurement<double>(1.5), description: "d");
        _ = other.CreateObservableGauge("foreign", () => new Measurement<double>(1));
        using Exposition exposition = new(meter);

        string first = Encoding.UTF8.GetString(exposition.Write());

        Assert.Equal("# HELP full d\n# TYPE full gauge\nfull 1.5\n", first);
        Assert.Equal(first, Encoding.UTF8.GetString(exposition.Write()));
    }
}
