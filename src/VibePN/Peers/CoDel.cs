namespace VibePN.Peers;

/// <summary>
/// Controlled delay (RFC 8289) of one flow: tells when a packet that is about to be sent is to be dropped or marked, so that a standing
/// queue shrinks to the target while bursts pass. A plain value; its default is a flow that never waited. Times are nanoseconds.
/// </summary>
internal struct CoDel
{
    /// <summary>A wait that is always acceptable (RFC 8289 §4.4).</summary>
    public const ulong TargetNanos = 5_000_000;

    /// <summary>The time within which a sender reacts: a long round trip (RFC 8289 §4.3).</summary>
    public const ulong IntervalNanos = 100_000_000;

    /// <summary>When the wait will have been above the target for an interval; 0: it is below.</summary>
    private ulong _firstAboveNanos;
    private ulong _nextNanos;
    private uint _count;
    private uint _lastCount;
    private bool _dropping;

    /// <summary>Judges the flow's next packet; after a drop, also the one behind it.</summary>
    /// <param name="waitNanos">How long the packet has waited.</param>
    /// <param name="isShort">The queue is too short to be a standing one, however long the packet waited.</param>
    /// <param name="targetNanos">At least <see cref="TargetNanos"/>; more where a single packet takes so long to send.</param>
    /// <returns>True: drop it, or mark it and let it go.</returns>
    public bool MustSignal(ulong waitNanos, bool isShort, ulong targetNanos, ulong nowNanos)
    {
        if (!IsStanding(waitNanos, isShort, targetNanos, nowNanos))
        {
            _dropping = false;
            return false;
        }

        if (_dropping)
        {
            if (nowNanos < _nextNanos)
            {
                return false;
            }

            // After a stall one interval's signals are due, not those of all the time that nobody asked.
            _count++;
            _nextNanos = Next(Math.Max(_nextNanos, nowNanos - Math.Min(nowNanos, IntervalNanos)));
            return true;
        }

        // Soon after the last time the rate that was right then is taken up again (RFC 8289 §5.5).
        var delta = _count - _lastCount;
        _count = delta > 1 && nowNanos - _nextNanos < 16 * IntervalNanos ? delta : 1;
        _lastCount = _count;
        _dropping = true;
        _nextNanos = Next(nowNanos);
        return true;
    }

    private bool IsStanding(ulong waitNanos, bool isShort, ulong targetNanos, ulong nowNanos)
    {
        if (isShort || waitNanos < targetNanos)
        {
            _firstAboveNanos = 0;
            return false;
        }

        if (_firstAboveNanos == 0)
        {
            _firstAboveNanos = nowNanos + IntervalNanos;
            return false;
        }

        return nowNanos >= _firstAboveNanos;
    }

    private readonly ulong Next(ulong fromNanos) => fromNanos + (ulong)(IntervalNanos / Math.Sqrt(_count));
}
