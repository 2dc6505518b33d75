namespace VibePN.Peers;

/// <summary>Holds down the lines of log that somebody else can cause, and counts those left out. Thread: the node's.</summary>
internal sealed class LogLimit(int linesPerMinute = Limits.LogLinesPerPeerAndMinute)
{
    private const ulong MinuteNanos = 60_000_000_000;

    private ulong _minute;
    private int _lines;
    private int _leftOut;

    /// <summary>When to tell how many lines were left out: at the end of the minute; <see cref="ulong.MaxValue"/>: there are none.</summary>
    public ulong DueNanos { get; private set; } = ulong.MaxValue;

    /// <summary>Whether one more line may be written; if not, it counts as left out.</summary>
    public bool MayLog(ulong nowNanos)
    {
        if (_minute != nowNanos / MinuteNanos)
        {
            _minute = nowNanos / MinuteNanos;
            _lines = 0;
        }

        if (_lines < linesPerMinute)
        {
            _lines++;
            return true;
        }

        DueNanos = Math.Min(DueNanos, (_minute + 1) * MinuteNanos);
        _leftOut++;
        return false;
    }

    /// <summary>Lines left out since the last call.</summary>
    public int TakeLeftOut()
    {
        var leftOut = _leftOut;
        _leftOut = 0;
        DueNanos = ulong.MaxValue;
        return leftOut;
    }
}
