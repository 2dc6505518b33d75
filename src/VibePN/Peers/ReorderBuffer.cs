namespace VibePN.Peers;

/// <summary>
/// Puts packets with sequence numbers back in order, per lane: what is in order passes untouched, what comes behind a gap waits in a copy
/// until the gap is filled or the wait for it ends. Of a lane the packets that wait are a list of runs without a gap inside. Everything is
/// bounded: bytes, packets, gaps of a lane; what is too much releases the longest waiting lane, in order. Belongs to one connection.
/// Thread: the node's. Times are nanoseconds.
/// </summary>
/// <param name="memory">Bounds the bytes.</param>
internal sealed class ReorderBuffer(RepairMemory memory)
{
    /// <summary>From the packet held longest to the newest.</summary>
    public const int MaxPackets = 1 << 14;

    /// <summary>Gaps of one lane at a time.</summary>
    public const int MaxRuns = 512;

    /// <summary>A number further ahead than this is no gap but a new beginning.</summary>
    private const int MaxAhead = 1 << 16;

    /// <summary>Packets behind the first one seen of a lane that are late, not known.</summary>
    private const int MaxBehindStart = 256;

    /// <summary>Gaps given up that are remembered, so that what comes late is known from what comes twice.</summary>
    private const int Remembered = 64;

    private const ulong None = ulong.MaxValue;

    private readonly PacketRing<Held> _held = new(memory, MaxPackets);
    private readonly Lane[] _lanes = new Lane[RepairSequence.Lanes];

    /// <summary>Lanes in which something waits.</summary>
    private readonly List<short> _waiting = [];
    private readonly (int Lane, uint From, int Count)[] _givenUp = new (int, uint, int)[Remembered];
    private int _nextGivenUp;
    private ulong _ready = None;
    private ulong _lastReady = None;

    /// <summary>Packets that wait.</summary>
    public int Count => _held.Count;

    public int Bytes => _held.Bytes;

    /// <summary>Missing packets that came while others waited for them.</summary>
    public ulong Repaired { get; private set; }

    /// <summary>Packets that came after the wait for them had ended.</summary>
    public ulong Late { get; private set; }

    /// <summary>Missing packets whose wait ended.</summary>
    public ulong Missed { get; private set; }

    /// <summary>Takes a packet.</summary>
    /// <param name="network">Comes back with it from <see cref="TryTake"/>, as does <paramref name="flags"/>.</param>
    public ReorderResult Add(RepairSequence sequence, int network, byte flags, ReadOnlySpan<byte> packet, ulong nowNanos)
    {
        ref var lane = ref _lanes[sequence.Lane];
        var number = sequence.Number;
        if (!lane.IsKnown)
        {
            lane = new Lane { IsKnown = true, Expected = Following(number), Start = number, First = None, Last = None };
            return ReorderResult.Pass;
        }

        var ahead = RepairSequence.Distance(number, lane.Expected);
        if (ahead == 0)
        {
            lane.Expected = Following(number);
            if (lane.First != None)
            {
                Repaired++;
                TakeFirstRunsInOrder(ref lane, sequence.Lane);
            }

            return ReorderResult.Pass;
        }

        if (ahead < 0)
        {
            return Judge(ref lane, sequence);
        }

        if (ahead > MaxAhead)
        {
            if (lane.First != None)
            {
                ReleaseLane(sequence.Lane);
                return ReorderResult.Full;
            }

            lane.Expected = lane.Start = Following(number);
            return ReorderResult.Pass;
        }

        return Hold(ref lane, sequence, packet, new Held { Number = number, Network = (short)network, Flags = flags, Lane = (short)sequence.Lane, SinceNanos = nowNanos });
    }

    /// <summary>The next packet whose turn has come.</summary>
    /// <param name="packet">Borrowed until the next call of anything.</param>
    public bool TryTake(out int network, out byte flags, out ReadOnlySpan<byte> packet)
    {
        if (_ready == None)
        {
            network = flags = 0;
            packet = default;
            return false;
        }

        var id = _ready;
        ref var held = ref _held[id];
        (network, flags) = (held.Network, held.Flags);
        packet = _held.Packet(id);
        _ready = held.Next;
        _lastReady = _ready == None ? None : _lastReady;
        _held.Remove(id);
        return true;
    }

    /// <summary>Ends the waits that have lasted long enough; then <see cref="TryTake"/> has what waited.</summary>
    /// <returns>When to call again; <see cref="ulong.MaxValue"/>: nothing waits.</returns>
    public ulong Expire(ulong nowNanos, ulong waitNanos)
    {
        var next = ulong.MaxValue;
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            var index = _waiting[i];
            ref var lane = ref _lanes[index];
            while (lane.First != None && _held[lane.First].SinceNanos + waitNanos <= nowNanos)
            {
                Skip(ref lane, index);
            }

            next = lane.First == None ? next : Math.Min(next, _held[lane.First].SinceNanos + waitNanos);
        }

        return next;
    }

    /// <summary>Ends all waits.</summary>
    public void ReleaseAll()
    {
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            ReleaseLane(_waiting[i]);
        }
    }

    /// <summary>Gives the memory back, if nothing waits.</summary>
    public void ReleaseMemory()
    {
        if (Count == 0)
        {
            _held.Release();
        }
    }

    /// <summary>Forgets what waits and gives the memory back; the end of its use.</summary>
    public void Discard()
    {
        _waiting.Clear();
        _lanes.AsSpan().Clear();
        _ready = _lastReady = None;
        _held.Release();
    }

    private static uint Following(uint number) => (number + 1) & RepairSequence.NumberMask;

    /// <summary>A packet from before what is expected: late, or known.</summary>
    private ReorderResult Judge(ref Lane lane, RepairSequence sequence)
    {
        var beforeStart = RepairSequence.Distance(lane.Start, sequence.Number);
        var isLate = beforeStart is > 0 and <= MaxBehindStart && RepairSequence.Distance(lane.Expected, lane.Start) < 4 * MaxBehindStart;
        for (var i = 0; i < Remembered && !isLate; i++)
        {
            var (known, from, count) = _givenUp[i];
            var offset = RepairSequence.Distance(sequence.Number, from);
            isLate = known == sequence.Lane && offset >= 0 && offset < count;
        }

        Late += isLate ? 1UL : 0;
        return isLate ? ReorderResult.Pass : ReorderResult.Duplicate;
    }

    private ReorderResult Hold(ref Lane lane, RepairSequence sequence, ReadOnlySpan<byte> packet, Held held)
    {
        // The run that it belongs behind or into; almost always the last.
        var before = None;
        var after = lane.First;
        if (lane.Last != None && Distance(held.Number, _held[lane.Last].LastNumber) > 0)
        {
            (before, after) = (lane.Last, None);
        }

        while (after != None && Distance(held.Number, _held[after].Number) >= 0)
        {
            (before, after) = (after, _held[after].NextRun);
        }

        if (before != None && Distance(held.Number, _held[before].LastNumber) <= 0)
        {
            return ReorderResult.Duplicate;
        }

        var isNewRun = (before == None || Following(_held[before].LastNumber) != held.Number)
            && (after == None || Following(held.Number) != _held[after].Number);
        if (isNewRun && lane.Runs == MaxRuns)
        {
            ReleaseLane(sequence.Lane);
            return ReorderResult.Full;
        }

        held.Next = held.NextRun = None;
        held.LastNumber = held.Number;
        var id = _held.Next;
        held.LastInRun = id;
        if (!_held.TryAdd(id, packet, default, held))
        {
            if (_held.Count == 0)
            {
                // There is no memory at all: as if nobody waited.
                lane.Expected = Following(held.Number);
                return ReorderResult.Pass;
            }

            ReleaseLane(_held[_held.Oldest].Lane);
            return ReorderResult.Full;
        }

        if (lane.First == None)
        {
            lane.WaitingIndex = (short)_waiting.Count;
            _waiting.Add((short)sequence.Lane);
        }

        Repaired += after != None ? 1UL : 0;
        Link(ref lane, before, id, after);
        return ReorderResult.Held;
    }

    /// <summary>Puts a packet between two runs, and joins what is now without a gap.</summary>
    private void Link(ref Lane lane, ulong before, ulong id, ulong after)
    {
        ref var held = ref _held[id];
        held.NextRun = after;
        if (after != None)
        {
            // The gap in front of it has been known as long as the one behind.
            held.SinceNanos = Math.Min(held.SinceNanos, _held[after].SinceNanos);
        }

        lane.Runs++;
        if (before == None)
        {
            lane.First = id;
        }
        else
        {
            _held[before].NextRun = id;
        }

        lane.Last = after == None ? id : lane.Last;
        if (after != None && Following(held.LastNumber) == _held[after].Number)
        {
            Join(ref lane, id, after);
        }

        if (before != None && Following(_held[before].LastNumber) == held.Number)
        {
            Join(ref lane, before, id);
        }
    }

    private void Join(ref Lane lane, ulong run, ulong next)
    {
        ref var head = ref _held[run];
        ref var added = ref _held[next];
        _held[head.LastInRun].Next = next;
        head.LastInRun = added.LastInRun;
        head.LastNumber = added.LastNumber;
        head.NextRun = added.NextRun;
        lane.Last = lane.Last == next ? run : lane.Last;
        lane.Runs--;
    }

    /// <summary>The gap in front of the first run is given up.</summary>
    private void Skip(ref Lane lane, int index)
    {
        ref var first = ref _held[lane.First];
        var missing = Distance(first.Number, lane.Expected);
        Missed += (ulong)missing;
        _givenUp[_nextGivenUp] = (index, lane.Expected, missing);
        _nextGivenUp = (_nextGivenUp + 1) % Remembered;
        lane.Expected = first.Number;
        TakeFirstRunsInOrder(ref lane, index);
    }

    /// <summary>Makes the first run ready if it is next.</summary>
    private void TakeFirstRunsInOrder(ref Lane lane, int index)
    {
        ref var first = ref _held[lane.First];
        if (first.Number != lane.Expected)
        {
            return;
        }

        if (_ready == None)
        {
            _ready = lane.First;
        }
        else
        {
            _held[_lastReady].Next = lane.First;
        }

        _lastReady = first.LastInRun;
        lane.Expected = Following(first.LastNumber);
        lane.First = first.NextRun;
        lane.Runs--;
        if (lane.First != None)
        {
            return;
        }

        lane.Last = None;
        var moved = _waiting[^1];
        _waiting[lane.WaitingIndex] = moved;
        _lanes[moved].WaitingIndex = lane.WaitingIndex;
        _waiting.RemoveAt(_waiting.Count - 1);
    }

    private void ReleaseLane(int index)
    {
        ref var lane = ref _lanes[index];
        while (lane.First != None)
        {
            Skip(ref lane, index);
        }
    }

    private static int Distance(uint number, uint other) => RepairSequence.Distance(number, other);

    private struct Lane
    {
        public uint Expected;

        /// <summary>The first number seen.</summary>
        public uint Start;

        /// <summary>The first packets of the first and the last run.</summary>
        public ulong First;
        public ulong Last;
        public short Runs;
        public short WaitingIndex;
        public bool IsKnown;
    }

    private struct Held
    {
        public uint Number;
        public short Network;
        public short Lane;
        public byte Flags;

        /// <summary>The next packet of the run, or of those that are ready.</summary>
        public ulong Next;

        // Of the first packet of a run.
        public uint LastNumber;
        public ulong LastInRun;
        public ulong NextRun;

        /// <summary>Since when the gap in front of it is known.</summary>
        public ulong SinceNanos;
    }
}
