using System.Diagnostics.Metrics;

namespace VibePN.Metrics;

/// <summary>All observable instruments of a meter as Prometheus' text: every series that they tell, without a limit. One thread at a time.</summary>
public sealed class Exposition : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly PrometheusText _text = new();
    private Instrument? _family;

    /// <param name="meter">Its instruments are there already; their names are those of the families.</param>
    public Exposition(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) =>
        {
            Begin(instrument);
            _text.Sample(instrument.Name, labels, value);
        });
        _listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) =>
        {
            Begin(instrument);
            _text.Sample(instrument.Name, labels, value);
        });
        _listener.Start();
    }

    public byte[] Write()
    {
        _text.Clear();
        _family = null;
        _listener.RecordObservableInstruments();
        return _text.Written.ToArray();
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>An instrument tells all of its values at once; one without values has no header either.</summary>
    private void Begin(Instrument instrument)
    {
        if (!ReferenceEquals(_family, instrument))
        {
            _family = instrument;
            _text.Family(instrument.Name, instrument is ObservableCounter<long> or ObservableCounter<double>, instrument.Description ?? "");
        }
    }
}
