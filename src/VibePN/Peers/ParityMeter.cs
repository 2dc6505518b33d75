namespace VibePN.Peers;

/// <summary>
/// How much the path loses although QUIC does not see it, since the peer makes it good from parity; with what QUIC does see, how much parity
/// is worth its while; and whether it is at all. Thread: the node's. Times are nanoseconds.
/// </summary>
internal sealed class ParityMeter
{
    /// <summary>Between two reports of a receiver.</summary>
    public const ulong ReportNanos = 1_000_000_000;

    /// <summary>A report that is older says nothing any more.</summary>
    private const ulong StaleNanos = 20_000_000_000;

    /// <summary>Loss that QUIC can be left with.</summary>
    private const double MinLoss = 0.0002;

    /// <summary>Packets from which a share is told.</summary>
    private const ulong Enough = 256;

    /// <summary>Groups with losses from which is told whether parity helps; a quarter will do where it hardly ever does.</summary>
    private const ulong Trial = 64;

    private const ulong FirstPauseNanos = 30_000_000_000;
    private const ulong LastPauseNanos = 480_000_000_000;

    private readonly RecentShare _seen = new();
    private readonly RecentShare _hidden = new();

    /// <summary>Of the reports since the last that told enough.</summary>
    private ulong _latestAll;
    private ulong _latestPart;
    private double _latest;
    private ulong _reportedNanos;

    /// <summary>At the end of the last trial.</summary>
    private ulong _rebuilt;
    private ulong _unsolved;
    private ulong _pauseNanos = FirstPauseNanos;
    private ulong _pauseUntil;

    /// <summary>Share of packets lost on the path, whether QUIC saw it or not: 0 to 1.</summary>
    public double Loss(ulong nowNanos) => _seen.Value + (IsFresh(nowNanos) ? _hidden.Value : 0);

    /// <summary>Share of packets lost that the peer has made good lately: what the last reports said, not what holds in the long run.</summary>
    public double Hidden(ulong nowNanos) => IsFresh(nowNanos) ? _latest : 0;

    /// <summary>Packets for one of parity; 0: it does not help, or there is nothing to be helped.</summary>
    public int Group(ulong nowNanos) => nowNanos < _pauseUntil ? 0 : GroupAt(Loss(nowNanos));

    /// <summary>
    /// Packets for one of parity at this loss: as many as leave QUIC well below the 2 % in a round trip that its BBR takes for a full line
    /// (docs/adr/0013).
    /// </summary>
    public static int GroupAt(double loss) => loss switch
    {
        >= 0.04 => 6,
        >= 0.02 => 10,
        >= 0.005 => 16,
        >= MinLoss => 32,
        _ => 0,
    };

    /// <summary>Takes the counters of a connection, as <see cref="LossMeter.Update"/> does.</summary>
    public void Update(ulong acked, ulong lost) => _seen.Follow(acked + lost, lost);

    /// <summary>The peer's counts since the connection's beginning. Any number may be in them.</summary>
    public void OnReport(ulong covered, ulong rebuilt, ulong unsolved, ulong nowNanos)
    {
        _reportedNanos = nowNanos;
        var all = covered + rebuilt;
        if (all < covered)
        {
            return;
        }

        _hidden.Follow(all, rebuilt);
        if (all < _latestAll || rebuilt < _latestPart || all - _latestAll >= Enough)
        {
            _latest = all > _latestAll && rebuilt >= _latestPart ? Math.Min((rebuilt - _latestPart) / (double)(all - _latestAll), 1) : 0;
            (_latestAll, _latestPart) = (all, rebuilt);
        }

        Judge(rebuilt, unsolved, nowNanos);
    }

    /// <summary>
    /// Loss at random leaves most groups with one packet missing. A queue that is full loses many in a row: there parity would add to the load
    /// and mend nothing. So it pauses where most groups lose more than one, longer each time.
    /// </summary>
    private void Judge(ulong rebuilt, ulong unsolved, ulong nowNanos)
    {
        // Numbers that nobody can have counted are as good as many.
        var mended = rebuilt > _rebuilt ? Math.Min(rebuilt - _rebuilt, uint.MaxValue) : 0;
        var missed = unsolved > _unsolved ? Math.Min(unsolved - _unsolved, uint.MaxValue) : 0;
        var hardlyHelps = missed >= Trial / 4 && mended < missed / 4;
        if (mended + missed < Trial && !hardlyHelps)
        {
            return;
        }

        (_rebuilt, _unsolved) = (rebuilt, unsolved);
        if (missed > mended)
        {
            _pauseUntil = nowNanos + _pauseNanos;
            _pauseNanos = Math.Min(_pauseNanos * 2, LastPauseNanos);
        }
        else
        {
            _pauseNanos = FirstPauseNanos;
        }
    }

    private bool IsFresh(ulong nowNanos) => nowNanos - _reportedNanos < StaleNanos;
}
