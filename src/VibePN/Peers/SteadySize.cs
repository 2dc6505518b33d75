namespace VibePN.Peers;

/// <summary>
/// A packet size as the host is told it. What a path carries changes within round trips while probes run (a black hole caps it, the search
/// raises it again): interfaces and routes follow only what has held for a while. Until then fragments and ICMP bridge the difference.
/// </summary>
internal struct SteadySize
{
    public const ulong GrowAfterNanos = 2_000_000_000;

    /// <summary>Longer: a smaller size costs every flow, and a search may well end where it began.</summary>
    public const ulong ShrinkAfterNanos = 5_000_000_000;

    private int _candidate;
    private ulong _sinceNanos;

    /// <summary>0: none is known yet.</summary>
    public int Bytes { get; private set; }

    /// <summary>When <see cref="Observe"/> is to be called although nothing has changed; <see cref="ulong.MaxValue"/>: not.</summary>
    public readonly ulong DueNanos => _candidate == Bytes ? ulong.MaxValue
        : _sinceNanos + (_candidate > Bytes ? GrowAfterNanos : ShrinkAfterNanos);

    /// <param name="bytes">The size at this moment.</param>
    /// <returns>True: <see cref="Bytes"/> has changed.</returns>
    public bool Observe(int bytes, ulong nowNanos)
    {
        if (bytes != _candidate)
        {
            _candidate = bytes;
            _sinceNanos = nowNanos;
        }

        if (Bytes == bytes || (Bytes != 0 && nowNanos < DueNanos))
        {
            return false;
        }

        Bytes = bytes;
        return true;
    }
}
