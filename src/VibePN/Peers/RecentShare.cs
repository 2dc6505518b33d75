namespace VibePN.Peers;

/// <summary>The share that follows two counters: of the latest two thousand counts, older ones ever less. One thread.</summary>
internal sealed class RecentShare
{
    /// <summary>Counts that are kept in mind: above, they weigh half.</summary>
    private const double Memory = 2048;

    private ulong _all;
    private ulong _part;
    private double _recent;
    private double _recentPart;

    /// <summary>0 to 1; 0 when nothing was counted.</summary>
    public double Value => _recent > 0 ? _recentPart / _recent : 0;

    /// <summary>Takes the counters; where they went back, they begin anew.</summary>
    /// <param name="part">Of <paramref name="all"/>.</param>
    public void Follow(ulong all, ulong part)
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

        (_all, _part) = (all, part);
    }
}
