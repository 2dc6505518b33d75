using System.Buffers;
using System.Globalization;
using System.Text;

namespace VibePN.Metrics;

/// <summary>Prometheus' text format 0.0.4. The samples of a family follow its header.</summary>
public sealed class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const int FirstBytes = 32 * 1024;

    /// <summary>The longest number, with its sign and exponent.</summary>
    private const int MaxNumberBytes = 32;

    private static readonly SearchValues<char> Special = SearchValues.Create("\\\"\n");

    private readonly ArrayBufferWriter<byte> _buffer = new(FirstBytes);

    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public void Clear() => _buffer.ResetWrittenCount();

    public void Family(string name, bool isCounter, string help)
    {
        _buffer.Write("# HELP "u8);
        Write(name);
        _buffer.Write(" "u8);
        // In help a quotation mark stays as it is.
        Write(help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal));
        _buffer.Write("\n# TYPE "u8);
        Write(name);
        _buffer.Write(isCounter ? " counter\n"u8 : " gauge\n"u8);
    }

    public void Sample(string name, ReadOnlySpan<KeyValuePair<string, object?>> labels, long value)
    {
        Series(name, labels);
        var number = _buffer.GetSpan(MaxNumberBytes);
        _ = value.TryFormat(number, out var bytes, provider: CultureInfo.InvariantCulture);
        _buffer.Advance(bytes);
        _buffer.Write("\n"u8);
    }

    public void Sample(string name, ReadOnlySpan<KeyValuePair<string, object?>> labels, double value)
    {
        Series(name, labels);
        if (double.IsFinite(value))
        {
            var number = _buffer.GetSpan(MaxNumberBytes);
            _ = value.TryFormat(number, out var bytes, provider: CultureInfo.InvariantCulture);
            _buffer.Advance(bytes);
        }
        else
        {
            _buffer.Write(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8);
        }

        _buffer.Write("\n"u8);
    }

    private void Series(string name, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        Write(name);
        for (var i = 0; i < labels.Length; i++)
        {
            _buffer.Write(i == 0 ? "{"u8 : ","u8);
            Write(labels[i].Key);
            _buffer.Write("=\""u8);
            WriteEscaped(labels[i].Value?.ToString() ?? "");
            _buffer.Write("\""u8);
        }

        _buffer.Write(labels.IsEmpty ? " "u8 : "} "u8);
    }

    private void WriteEscaped(string text) => Write(text.AsSpan().ContainsAny(Special)
        ? text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)
        : text);

    private void Write(string text) => _ = Encoding.UTF8.GetBytes(text, _buffer);
}
