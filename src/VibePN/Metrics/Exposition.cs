using System.Diagnostics.Metrics;

namespace VibePN.Metrics;

/// <summary>A meter as Prometheus' text. One thread at a time.</summary>
/// <param name="meter">Its instruments are there already; their names are those of the families.</param>
public sealed class Exposition(Meter meter) : MeterReader(meter)
{
    private readonly PrometheusText _text = new();
    private Instrument? _family;

    public byte[] Write()
    {
        _text.Clear();
        _family = null;
        Read();
        return _text.Written.ToArray();
    }

    protected override void Take(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> labels, long value)
    {
        Begin(instrument);
        _text.Sample(instrument.Name, labels, value);
    }

    protected override void Take(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> labels, double value)
    {
        Begin(instrument);
        _text.Sample(instrument.Name, labels, value);
    }

    private void Begin(Instrument instrument)
    {
        if (!ReferenceEquals(_family, instrument))
        {
            _family = instrument;
            _text.Family(instrument.Name, IsCounter(instrument), instrument.Description ?? "");
        }
    }
}
