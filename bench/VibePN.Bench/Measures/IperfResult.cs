using System.Text.Json.Nodes;

namespace VibePN.Bench.Measures;

/// <summary>What one run of iperf3 says.</summary>
/// <param name="BitsPerSecond">As received, the omitted start left out.</param>
/// <param name="PacketsPerSecond">UDP: delivered; 0 for TCP.</param>
/// <param name="LossFraction">UDP.</param>
/// <param name="BytesInAll">Of the whole run, the omitted start too: what processor time is set against.</param>
internal sealed record IperfResult(double BitsPerSecond, double PacketsPerSecond, double LossFraction, double BytesInAll)
{
    /// <exception cref="InvalidOperationException">iperf3 reports an error, or says something else than expected.</exception>
    public static IperfResult Parse(string json)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(json);
        }
        catch (System.Text.Json.JsonException exception)
        {
            throw new InvalidOperationException($"iperf3 wrote no JSON: {exception.Message}");
        }

        if (root?["error"] is { } error)
        {
            throw new InvalidOperationException($"iperf3: {error}");
        }

        var received = root?["end"]?["sum_received"] ?? throw new InvalidOperationException("iperf3's report has no end.sum_received");
        var seconds = Number(received, "seconds");
        var packets = received["packets"] is null ? 0 : Number(received, "packets");
        var lost = received["lost_packets"] is null ? 0 : Number(received, "lost_packets");
        return new IperfResult(
            Number(received, "bits_per_second"),
            seconds > 0 ? (packets - lost) / seconds : 0,
            packets > 0 ? lost / packets : 0,
            root["intervals"]?.AsArray().Sum(interval => interval?["sum"] is { } sum ? Number(sum, "bytes") : 0) ?? 0);
    }

    private static double Number(JsonNode node, string name) =>
        node[name]?.GetValue<double>() ?? throw new InvalidOperationException($"iperf3's report lacks {name}");
}
