namespace VibePN;

/// <summary>
/// Says when a loop under many small packets does better to wait a moment, so that the next turn finds a batch: what network cards call
/// interrupt moderation. A turn costs as much as several small packets; 50 µs at such a rate are nothing that a flow would notice.
/// Thread: the loop's. Times are nanoseconds.
/// </summary>
internal struct BatchPause
{
    /// <summary>How long to wait: some packets at the lowest rate that counts, a tenth of what the interface's queue holds at the highest.</summary>
    public const ulong PauseNanos = 50_000;

    /// <summary>Packets up to this size count; larger ones bring a batch with them (super-packets, runs), or fill the line at a lower rate.</summary>
    public const int SmallBytes = 2048;

    /// <summary>In a window of <see cref="WindowNanos"/>: 30,000 a second.</summary>
    private const int ManyPackets = 30;

    private const ulong WindowNanos = 1_000_000;

    /// <summary>A turn with as many is a batch already.</summary>
    private const int FullBatch = 32;

    private ulong _windowNanos;
    private int _inWindow;
    private int _inTurn;
    private bool _isMany;

    /// <summary>Small packets that were read in this turn.</summary>
    public void Count(int smallPackets) => _inTurn += smallPackets;

    /// <summary>To be called at the end of every turn.</summary>
    public bool IsDue(ulong nowNanos)
    {
        var inTurn = _inTurn;
        _inTurn = 0;
        _inWindow += inTurn;
        if (nowNanos - _windowNanos >= WindowNanos)
        {
            _isMany = (ulong)_inWindow * WindowNanos >= ManyPackets * (nowNanos - _windowNanos);
            _windowNanos = nowNanos;
            _inWindow = 0;
        }

        return _isMany && inTurn is > 0 and < FullBatch;
    }
}
