namespace VibePN.Quic;

/// <summary>
/// Tells events within a rate from those beyond, evenly over time: who comes in the second half of a second has the same chance as
/// who comes in the first, and the work they make comes in no bursts.
/// </summary>
/// <param name="perSecond">The rate.</param>
/// <param name="atOnce">Events that may come together after a pause.</param>
internal struct LeakyMeter(int perSecond, int atOnce)
{
    private const long One = 1_000_000_000;

    /// <summary>Events that have not leaked out yet, in billionths.</summary>
    private long _level;
    private ulong _nanos;

    /// <summary>Counts an event that is within the rate, and no other: of more events, as many as the rate says are within.</summary>
    public bool TryTake(ulong nanos)
    {
        Leak(nanos);
        if (_level + One > atOnce * One)
        {
            return false;
        }

        _level += One;
        return true;
    }

    /// <summary>Counts every event: while there are more than the rate says, none is within it.</summary>
    public bool TakeWhileCalm(ulong nanos)
    {
        Leak(nanos);
        _level = Math.Min(_level + One, (atOnce + 1L) * One);
        return _level <= atOnce * One;
    }

    private void Leak(ulong nanos)
    {
        var elapsed = (long)Math.Min(nanos - Math.Min(_nanos, nanos), (ulong)One);
        _nanos = nanos;
        _level = Math.Max(0, _level - elapsed * perSecond);
    }
}
