using System.Diagnostics.Metrics;

namespace VibePN.Metrics;

/// <summary>Reads all observable instruments of one meter: every series that they tell, without a limit. One thread at a time.</summary>
public abstract class MeterReader : IDisposable
{
    private readonly MeterListener _listener = new();

    /// <param name="meter">Its instruments are there already.</param>
    protected MeterReader(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => Take(instrument, labels, value));
        _listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) => Take(instrument, labels, value));
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>An instrument tells all of its values one after the other; one without values is not heard of.</summary>
    protected void Read() => _listener.RecordObservableInstruments();

    protected abstract void Take(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> labels, long value);

    protected abstract void Take(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> labels, double value);

    protected static bool IsCounter(Instrument instrument) => instrument is ObservableCounter<long> or ObservableCounter<double>;
}
