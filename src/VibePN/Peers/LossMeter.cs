namespace VibePN.Peers;

/// <summary>
/// Decides by measurement whether repair is worth its while on a connection: when the loss of two windows in a row would hurt a TCP flow
/// that sees it; until it stayed far below for long. Where loss hurts follows from what such a flow can reach, about
/// 1.2 · segment / (RTT · √loss): over a short line even much loss costs little. Over a line that is long enough for the least loss to hurt, repair
/// begins at once, on trial: the first losses are those that a flow which has just begun never gets over. Thread: the node's. Times are nanoseconds.
/// </summary>
internal sealed class LossMeter
{
    /// <summary>Between two looks at the counters.</summary>
    public const ulong IntervalNanos = 100_000_000;

    /// <summary>Loss that is always tolerated.</summary>
    public const double MinLoss = 0.0005;

    /// <summary>How long the loss must be low before repair ends.</summary>
    public const ulong CalmNanos = 30_000_000_000;

    /// <summary>A window ends with this many datagrams, or earlier when <see cref="Evidence"/> are lost.</summary>
    private const ulong WindowDatagrams = 4096;

    /// <summary>Lost datagrams that are no accident.</summary>
    private const ulong Evidence = 3;

    /// <summary>A rate told from fewer would be a guess.</summary>
    private const ulong MinDatagrams = 128;

    /// <summary>A loss of p hurts from a round trip of this / √p on: the flow above then stays below some 500 Mbit/s.</summary>
    private const double HurtNanos = 27_000;

    /// <summary>Below the limit divided by this the loss counts as gone.</summary>
    private const double CalmFactor = 4;

    /// <summary>Datagrams that begin the trial where no flow was seen to begin.</summary>
    private const ulong TrialDatagrams = 16;

    /// <summary>Windows without much loss that end the trial.</summary>
    private const int TrialWindows = 4;

    private ulong _acked;
    private ulong _lost;
    private bool _wasHigh;

    /// <summary>Null: it has not begun.</summary>
    private int? _trialWindows;
    private ulong _calmSinceNanos = ulong.MaxValue;

    /// <summary>When to look again.</summary>
    public ulong NextNanos { get; private set; }

    public bool IsOn { get; private set; }

    /// <summary>The trial has yet to come.</summary>
    public bool IsUntried => _trialWindows is null;

    /// <summary>It is on before the loss is known.</summary>
    public bool IsTrial => _trialWindows > 0;

    /// <summary>When <see cref="IsOn"/> changed; 0: never.</summary>
    public ulong ChangedNanos { get; private set; }

    /// <summary>Share of datagrams lost in the last whole window: 0 to 1.</summary>
    public double Loss { get; private set; }

    /// <summary>What <see cref="Loss"/> was compared with.</summary>
    public double UsedLimit { get; private set; } = MinLoss;

    /// <summary>The loss from which on repair is worth while on a line with this round trip.</summary>
    public static double Limit(ulong minRttNanos)
    {
        var limit = HurtNanos / Math.Max(minRttNanos, 1);
        return Math.Max(MinLoss, limit * limit);
    }

    /// <summary>A flow of TCP begins, or something else of some size: on the first occasion, and over a long line, repair does so, too.</summary>
    /// <returns>Whether <see cref="IsOn"/> changed.</returns>
    public bool BeginTrial(ulong minRttNanos, ulong nowNanos)
    {
        if (!IsUntried || minRttNanos == 0)
        {
            return false;
        }

        _trialWindows = Limit(minRttNanos) > MinLoss ? 0 : TrialWindows;
        return IsTrial && Switch(true, nowNanos);
    }

    /// <summary>Takes the counters of a connection.</summary>
    /// <param name="acked">Datagrams acknowledged since the connection's start.</param>
    /// <param name="lost">Datagrams lost since then; those acknowledged late are not among them.</param>
    /// <param name="minRttNanos">0: not known yet.</param>
    /// <param name="hidden">Share of packets that the path lost besides, but the peer made good before QUIC could see it.</param>
    /// <returns>Whether <see cref="IsOn"/> changed.</returns>
    public bool Update(ulong acked, ulong lost, ulong minRttNanos, ulong nowNanos, double hidden = 0)
    {
        NextNanos = nowNanos + IntervalNanos;
        if (lost < _lost || acked < _acked)
        {
            // Late acknowledgements took losses back.
            _lost = Math.Min(_lost, lost);
            _acked = Math.Min(_acked, acked);
        }

        if (IsUntried && acked + lost >= TrialDatagrams)
        {
            return BeginTrial(minRttNanos, nowNanos);
        }

        if (IsTrial && Limit(minRttNanos) > MinLoss)
        {
            // What was known of the round trip had the work of the handshake in it.
            _trialWindows = 0;
            return Switch(false, nowNanos);
        }

        var lostNow = lost - _lost;
        var settled = lostNow + acked - _acked;
        if (minRttNanos == 0 || (settled < WindowDatagrams && (lostNow < Evidence || settled < MinDatagrams)))
        {
            return false;
        }

        (_acked, _lost) = (acked, lost);
        Loss = ((double)lostNow / settled) + hidden;
        var limit = UsedLimit = Limit(minRttNanos);
        var isHigh = (lostNow >= Evidence || hidden >= limit) && Loss >= limit;
        var isConfirmed = isHigh && _wasHigh;
        _wasHigh = isHigh;
        if (IsTrial)
        {
            _trialWindows = isConfirmed ? 0 : _trialWindows - (isHigh ? 0 : 1);
            return !isConfirmed && !IsTrial && Switch(false, nowNanos);
        }

        if (Loss >= limit / CalmFactor && (lostNow > 0 || hidden > 0))
        {
            _calmSinceNanos = ulong.MaxValue;
        }
        else if (_calmSinceNanos == ulong.MaxValue)
        {
            _calmSinceNanos = nowNanos;
        }

        return IsOn
            ? _calmSinceNanos != ulong.MaxValue && nowNanos - _calmSinceNanos >= CalmNanos && Switch(false, nowNanos)
            : isConfirmed && Switch(true, nowNanos);
    }

    /// <summary>What was counted in the window under way is of no meaning: the path lost all packets of a size.</summary>
    public void Forget(ulong acked, ulong lost)
    {
        (_acked, _lost) = (acked, lost);
        _wasHigh = false;
    }

    private bool Switch(bool isOn, ulong nowNanos)
    {
        IsOn = isOn;
        ChangedNanos = nowNanos;
        return true;
    }
}
