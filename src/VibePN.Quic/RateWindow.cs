namespace VibePN.Quic;

/// <summary>Counts events in the running second.</summary>
internal struct RateWindow
{
    private const ulong WindowNanos = 1_000_000_000;

    private ulong _startNanos;
    private int _count;

    /// <summary>Counts one more.</summary>
    /// <returns>How many there were in this second, this one included.</returns>
    public int Count(ulong nanos)
    {
        if (nanos - _startNanos >= WindowNanos)
        {
            _startNanos = nanos;
            _count = 0;
        }

        return _count == int.MaxValue ? _count : ++_count;
    }
}
