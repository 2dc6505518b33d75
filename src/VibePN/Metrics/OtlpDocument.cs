using System.Buffers;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;

namespace VibePN.Metrics;

/// <summary>
/// All observable instruments of a meter as one OTLP request in JSON (opentelemetry-proto v1, ExportMetricsServiceRequest; the JSON encoding has
/// 64-bit numbers as strings and enumerations as numbers). One thread at a time.
/// </summary>
/// <param name="meter">Its instruments are there already.</param>
public sealed class OtlpDocument(Meter meter) : MeterReader(meter)
{
    private const int Cumulative = 2;

    private Utf8JsonWriter? _json;
    private Instrument? _family;
    private string _start = "";
    private string _now = "";

    /// <param name="node">Name of the node: the service instance.</param>
    /// <param name="version">Of this program.</param>
    /// <param name="start">Since when counters count.</param>
    /// <param name="now">When the instruments are read.</param>

    public ReadOnlyMemory<byte> Write(string node, string version, DateTimeOffset start, DateTimeOffset now)
    {
        _family = null;
        _start = Nanos(start);
        _now = Nanos(now);
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        using var json = _json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteStartArray("resourceMetrics");
        json.WriteStartObject();
        json.WriteStartObject("resource");
        Attributes([new("service.name", "vibepn"), new("service.instance.id", node), new("service.version", version)]);
        json.WriteEndObject();
        json.WriteStartArray("scopeMetrics");
        json.WriteStartObject();
        json.WriteStartObject("scope");
        json.WriteString("name", "VibePN");
        json.WriteString("version", version);
        json.WriteEndObject();
        json.WriteStartArray("metrics");
        Read();
        End();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        _json = null;
        return buffer.WrittenMemory;
    }

    protected override void Take(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> labels, long value)
    {
        Begin(instrument, labels);
        _json!.WriteString("asInt", value.ToString(CultureInfo.InvariantCulture));
        _json.WriteEndObject();
    }

    protected override void Take(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> labels, double value)
    {
        Begin(instrument, labels);
        if (double.IsFinite(value))
        {
            _json!.WriteNumber("asDouble", value);
        }
        else
        {
            _json!.WriteString("asDouble", double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }

        _json.WriteEndObject();
    }

    /// <summary>Up to a data point's value.</summary>
    private void Begin(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var json = _json!;
        if (!ReferenceEquals(_family, instrument))
        {
            End();
            _family = instrument;
            json.WriteStartObject();
            json.WriteString("name", instrument.Name);
            json.WriteString("description", instrument.Description);
            json.WriteStartObject(IsCounter(instrument) ? "sum" : "gauge");
            json.WriteStartArray("dataPoints");
        }

        json.WriteStartObject();
        Attributes(labels);
        if (IsCounter(instrument))
        {
            json.WriteString("startTimeUnixNano", _start);
        }

        json.WriteString("timeUnixNano", _now);
    }

    /// <summary>Ends the metric that was begun, if one was.</summary>
    private void End()
    {
        if (_family is null)
        {
            return;
        }

        var json = _json!;
        json.WriteEndArray();
        if (IsCounter(_family))
        {
            json.WriteNumber("aggregationTemporality", Cumulative);
            json.WriteBoolean("isMonotonic", true);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Attributes(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var json = _json!;
        json.WriteStartArray("attributes");
        foreach (var (name, value) in labels)
        {
            json.WriteStartObject();
            json.WriteString("key", name);
            json.WriteStartObject("value");
            json.WriteString("stringValue", value as string ?? "");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string Nanos(DateTimeOffset time) => ((time - DateTimeOffset.UnixEpoch).Ticks * 100).ToString(CultureInfo.InvariantCulture);
}
