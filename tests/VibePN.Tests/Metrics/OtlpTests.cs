using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using VibePN.Metrics;
using Xunit;

namespace VibePN.Tests.Metrics;

public sealed class OtlpTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000);

    [Fact]
    public void Document_OfAFullNode_HasEverySeriesThatAScrapeHas()
    {
        NodeSample sample = Samples.Full(3);
        string scrape = Samples.Text(sample);
        JsonNode resource = Write(sample)["resourceMetrics"]![0]!;
        JsonArray metrics = resource["scopeMetrics"]![0]!["metrics"]!.AsArray();

        Assert.Equal("service.name=vibepn service.instance.id=n service.version=v", Labels(resource["resource"]!));
        Assert.Equal(scrape.Split('\n').Count(line => line.StartsWith("# TYPE", StringComparison.Ordinal)), metrics.Count);
        Assert.Equal(
            scrape.Split('\n').Count(line => line.StartsWith("vibepn_", StringComparison.Ordinal)),
            metrics.Sum(metric => (metric!["sum"] ?? metric["gauge"])!["dataPoints"]!.AsArray().Count));

        JsonNode bytes = metrics.Single(metric => metric!["name"]!.GetValue<string>() == "vibepn_peer_bytes_total")!["sum"]!;
        Assert.Equal((2, true), (bytes["aggregationTemporality"]!.GetValue<int>(), bytes["isMonotonic"]!.GetValue<bool>()));
        JsonNode point = bytes["dataPoints"]!.AsArray().Single(point => Labels(point!) == "peer=peer1 direction=out")!;
        Assert.Equal(
            ("2000000000000", "1699999990000000000", "1700000000000000000"),
            (point["asInt"]!.GetValue<string>(), point["startTimeUnixNano"]!.GetValue<string>(), point["timeUnixNano"]!.GetValue<string>()));
        JsonNode rtt = metrics.Single(metric => metric!["name"]!.GetValue<string>() == "vibepn_peer_rtt_seconds")!["gauge"]!["dataPoints"]![1]!;
        Assert.Equal(("peer=peer1", 0.0105), (Labels(rtt), rtt["asDouble"]!.GetValue<double>()));
    }

    [Fact]
    public void Document_OfValuesThatJsonHasNoNumberFor_HasTheirNames()
    {
        using Meter meter = new("odd");
        meter.CreateObservableGauge("odd", () => new Measurement<double>[] { new(double.NaN), new(double.PositiveInfinity), new(double.NegativeInfinity) });
        using OtlpDocument document = new(meter);
        JsonNode points = JsonNode.Parse(document.Write("\"\n", "v", s_now, s_now).Span)!["resourceMetrics"]![0]!["scopeMetrics"]![0]!["metrics"]![0]!["gauge"]!["dataPoints"]!;
        Assert.Equal(["NaN", "Infinity", "-Infinity"], points.AsArray().Select(point => point!["asDouble"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", null)]
    [InlineData("HTTP/1.1 404 Not Found\r\n\r\n", "it answers 404 to /v1/metrics")]
    [InlineData("SSH-2.0\r\n", "it is no HTTP")]
    [InlineData("", "it is no HTTP")]
    public async Task Client_OfACollectorThatAnswers_SaysWhatItMakesOfIt(string answer, string? reason)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task<string> asked = AnswerAsync(listener, answer);
        Assert.Equal(reason, await OtlpClient.SendAsync(new Uri($"http://{listener.LocalEndpoint}"), "{\"a\":1}"u8.ToArray(), CancellationToken.None));
        string request = await asked;
        Assert.StartsWith($"POST /v1/metrics HTTP/1.0\r\nHost: {listener.LocalEndpoint}\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n", request, StringComparison.Ordinal);
        Assert.EndsWith("{\"a\":1}", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_AnswerWithoutAnEnd_TakesItsStatus()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task<long> poured = PourAsync(listener);
        Assert.Null(await OtlpClient.SendAsync(new Uri($"http://{listener.LocalEndpoint}"), "{\"a\":1}"u8.ToArray(), CancellationToken.None));
        Assert.InRange(await poured, 1, 32 << 20);
    }

    [Fact]
    public async Task Client_WithoutACollector_SaysSo()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Uri nobody = new($"http://{listener.LocalEndpoint}/other/path");
        listener.Stop();
        Assert.Equal("Connection refused", await OtlpClient.SendAsync(nobody, "{}"u8.ToArray(), CancellationToken.None));
        Assert.NotNull(await OtlpClient.SendAsync(new Uri("http://nobody.invalid:4318"), "{}"u8.ToArray(), CancellationToken.None));
    }

    private static JsonNode Write(NodeSample sample)
    {
        using NodeMeter meter = new(() => sample);
        using OtlpDocument document = new(meter.Meter);
        return JsonNode.Parse(document.Write("n", "v", s_now.AddSeconds(-10), s_now).Span)!;
    }

    private static string Labels(JsonNode point) => string.Join(
        ' ', point["attributes"]!.AsArray().Select(label => $"{label!["key"]!.GetValue<string>()}={label["value"]!["stringValue"]!.GetValue<string>()}"));

    /// <summary>Answers one request with 200 and bytes for as long as they are taken.</summary>
    /// <returns>How many that were.</returns>
    private static async Task<long> PourAsync(TcpListener listener)
    {
        using Socket socket = await listener.AcceptSocketAsync();
        byte[] buffer = new byte[64 * 1024];
        _ = await socket.SendAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray());
        long bytes = 0;
        try
        {
            while (bytes < 1L << 30)
            {
                bytes += await socket.SendAsync(buffer);
            }
        }
        catch (SocketException)
        {
            // It has had enough.
        }

        return bytes;
    }

    /// <summary>Answers one request, and tells it.</summary>
    private static async Task<string> AnswerAsync(TcpListener listener, string answer)
    {
        using Socket socket = await listener.AcceptSocketAsync();
        StringBuilder request = new();
        byte[] buffer = new byte[4096];
        while (!request.ToString().EndsWith('}'))
        {
            request.Append(Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer)));
        }

        _ = await socket.SendAsync(Encoding.ASCII.GetBytes(answer));
        return request.ToString();
    }
}
