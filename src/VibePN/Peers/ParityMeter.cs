namespace VibePN.Peers;

/// <summary>
/// How much the path loses although QUIC does not see it, since the peer makes it good from parity; and, with what QUIC does see, how much
/// parity is worth its while. Thread: the node's. Times are nanoseconds.
/// </summary>
internal sealed class ParityMeter
{
    /// <summary>Between two reports of a receiver.</summary>
    public const ulong ReportNanos = 1_000_000_000;

    /// <summary>A report that is older says nothing any more.</summary>
    private const ulong StaleNanos = 20_000_000_000;

    /// <summary>Packets from which a share is told.</summary>
    private const ulong Enough = 256;

    /// <summary>Packets whose fate makes up the measured loss: of those before, the half counts.</summary>
    private const double Memory = 8192;

    private readonly Share _seen = new();
    private readonly Share _hidden = new();

    /// <summary>Of the reports since the last that told enough.</summary>
    private ulong _latestAll;
    private ulong _latestPart;
    private double _latest;
    private ulong _reportedNanos;

    /// <summary>Share of packets lost on the path, whether QUIC saw it or not: 0 to 1.</summary>
    public double Loss(ulong nowNanos) => _seen.Value + (IsFresh(nowNanos) ? _hidden.Value : 0);

    /// <summary>Share of packets lost that the peer has made good lately: what the last reports said, not what holds in the long run.</summary>
    public double Hidden(ulong nowNanos) => IsFresh(nowNanos) ? _latest : 0;

    /// <summary>Takes the counters of a connection, as <see cref="LossMeter.Update"/> does.</summary>
    public void Update(ulong acked, ulong lost) => _seen.Add(acked + lost, lost);

    /// <summary>The peer's counts since the connection's beginning. Any number may be in them.</summary>
    public void OnReport(ulong covered, ulong rebuilt, ulong nowNanos)
    {
        _reportedNanos = nowNanos;
        var all = covered + rebuilt;
        if (all < covered)
        {
            return;
        }

        _hidden.Add(all, rebuilt);
        if (all < _latestAll || rebuilt < _latestPart || all - _latestAll >= Enough)
        {
            _latest = all > _latestAll && rebuilt >= _latestPart ? Math.Min((rebuilt - _latestPart) / (double)(all - _latestAll), 1) : 0;
            (_latestAll, _latestPart) = (all, rebuilt);
        }
    }

    private bool IsFresh(ulong nowNanos) => nowNanos - _reportedNanos < StaleNanos;

    /// <summary>Packets for one of parity at this loss.</summary>
    public static int Group(double loss) => loss switch
    {
        >= 0.04 => 6,
        >= 0.02 => 10,
        >= 0.005 => 16,
        _ => 32,
    };

    /// <summary>A share that follows two counters.</summary>
    private sealed class Share
    {
        private ulong _all;
        private ulong _part;
        private double _recent;
        private double _recentPart;

        public double Value => _recent > 0 ? _recentPart / _recent : 0;

        public void Add(ulong all, ulong part)
        {
            if (all >= _all && part >= _part && part - _part <= all - _all)
            {
                _recent += all - _all;
                _recentPart += part - _part;
                if (_recent > Memory)
                {
                    _recentPart *= Memory / 2 / _recent;
                    _recent = Memory / 2;
                }
            }

            // Late acknowledgements take losses back; so do packets that were rebuilt and come yet.
            (_all, _part) = (all, part);
        }
    }
}
