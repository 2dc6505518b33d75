namespace VibePN.Peers;

/// <summary>Something that changed about a peer, and when.</summary>
/// <param name="Reason">In words; empty when the condition says it all.</param>
public readonly record struct PeerEvent(ulong AtNanos, PeerCondition Condition, string Reason);

/// <summary>How the path to a peer was over an interval.</summary>
/// <param name="AtNanos">Its end.</param>
/// <param name="RttMicros">Smoothed; 0: not measured.</param>
/// <param name="Settled">Datagrams acknowledged or lost.</param>
public readonly record struct PathSample(ulong AtNanos, uint RttMicros, uint Settled, uint Lost);

/// <summary>What became of a peer of late: its conditions with their reasons, and how its path was. Bounded; one thread.</summary>
internal sealed class PeerHistory
{
    public const int MaxEvents = 32;
    public const int MaxSamples = 64;

    private readonly List<PeerEvent> _events = [];
    private readonly List<PathSample> _samples = [];
    private ulong _acked;
    private ulong _lost;

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<PeerEvent> Events => _events;

    /// <summary>Oldest first; a gap in time is a time without a connection.</summary>
    public IReadOnlyList<PathSample> Samples => _samples;

    /// <summary>Notes a condition unless it is the one noted last.</summary>
    public void Note(PeerCondition condition, string reason, ulong nowNanos)
    {
        if (_events.Count > 0 && _events[^1] is var last && last.Condition == condition && last.Reason == reason)
        {
            return;
        }

        Add(_events, new PeerEvent(nowNanos, condition, reason), MaxEvents);
    }

    /// <summary>Ends an interval.</summary>
    /// <param name="acked">Of the present connection since its beginning, as <paramref name="lost"/>.</param>
    public void Sample(TimeSpan rtt, ulong acked, ulong lost, ulong nowNanos)
    {
        // Counters that went back are those of another connection.
        var (settled, missing) = acked >= _acked && lost >= _lost ? (acked - _acked + lost - _lost, lost - _lost) : (acked + lost, lost);
        (_acked, _lost) = (acked, lost);
        Add(_samples, new PathSample(nowNanos, Clamp((ulong)Math.Max(0, rtt.TotalMicroseconds)), Clamp(settled), Clamp(missing)), MaxSamples);
    }

    private static uint Clamp(ulong value) => (uint)Math.Min(value, uint.MaxValue);

    private static void Add<T>(List<T> list, T item, int limit)
    {
        if (list.Count == limit)
        {
            list.RemoveAt(0);
        }

        list.Add(item);
    }
}
