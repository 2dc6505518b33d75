// Over 400 lines: the queue and its table of flows change together, in every operation.
using System.Buffers;
using VibePN.Linux;

namespace VibePN.Peers;

/// <summary>Tells of packets that a queue dropped: to be counted.</summary>
/// <param name="packets">At least 1; a super-packet stands for several.</param>
internal delegate void PacketsDropped(int network, DropReason reason, int packets, ReadOnlySpan<byte> frame);

/// <summary>
/// Frames that wait for a peer's congestion window: FQ-CoDel (RFC 8290). Flows take turns, equal in what they cost the line; one that sent
/// little goes first; of a flow whose packets wait too long some are marked (ECN) or dropped. Bounded in bytes and in frames: what is too
/// much goes at the expense of the flow that holds most. The order inside a flow never changes, and a frame that was sent in part goes on
/// before any other and is never dropped. Memory is rented only while something waits. Thread: the node's. Times are nanoseconds.
/// </summary>
/// <remarks>
/// Unlike RFC 8290 flows do not share buckets until <see cref="MaxFlows"/> wait at once, and a flow's state ends with its turn: so an
/// idle table needs no memory.
/// </remarks>
/// <param name="capacityBytes">Of whole frames.</param>
/// <param name="memory">Of blocks of at least twice the capacity.</param>
/// <param name="salt">Random: see <see cref="FlowHash"/>.</param>
/// <param name="dropped">Called from <see cref="Enqueue"/>, <see cref="TrySelect"/> and <see cref="Clear"/>; must not call the queue.</param>
internal sealed class FairQueue(int capacityBytes, QueueMemory memory, ulong salt, PacketsDropped dropped)
{
    /// <summary>Flows kept apart at once; beyond, new ones join others.</summary>
    public const int MaxFlows = 1024;

    /// <summary>The bytes that a packet takes on the line beyond its own: IP, UDP, QUIC, tag.</summary>
    public const int PacketCostBytes = 64;

    /// <summary>Frames that wait at once per byte of the capacity: bounds the memory for descriptions as the capacity does for bytes.</summary>
    private const int BytesPerFrame = 512;

    /// <summary>What a flow gets in a turn: a full packet of the usual size.</summary>
    private const int QuantumBytes = 1500 + PacketCostBytes;

    /// <summary>Frames dropped in one go from the largest flow, so that a flood does not cost a search for each of its packets.</summary>
    private const int DropBatch = 32;

    private const int Buckets = 1024;
    private const int None = FrameStore.None;

    /// <summary>Time over which the speed of the line is measured.</summary>
    private const ulong RateWindowNanos = 8_000_000;

    private const ulong WaitWindowNanos = 5_000_000_000;

    private readonly int _maxFrames = Math.Max(capacityBytes / BytesPerFrame, 16);
    private readonly FrameStore _frames = new(memory);

    /// <summary>Index of the first flow per bucket; empty while nothing waits.</summary>
    private short[] _buckets = [];
    private Flow[] _flows = [];
    private int _usedFlows;
    private int _freeFlow = None;

    /// <summary>Flows that had nothing waiting until now: served first.</summary>
    private FlowList _sparse = FlowList.Empty;
    private FlowList _backlogged = FlowList.Empty;

    /// <summary>The flow whose first frame is selected, or <see cref="None"/>.</summary>
    private int _current = None;

    /// <summary>The longest wait of the present and of the last <see cref="WaitWindowNanos"/>.</summary>
    private ulong _maxWaitNanos;
    private ulong _formerMaxWaitNanos;
    private ulong _waitSinceNanos;

    private ulong _rateSinceNanos;
    private long _rateBytes;
    private double _nanosPerByte;

    /// <summary>Frames that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the frames that wait.</summary>
    public int Bytes { get; private set; }

    /// <summary>Flows that wait, or have just sent their last frame.</summary>
    public int Flows { get; private set; }

    /// <summary>Packets marked CE instead of being dropped, since the beginning.</summary>
    public ulong Marked { get; private set; }

    /// <summary>Packets dropped by CoDel, since the beginning.</summary>
    public ulong DroppedByCoDel { get; private set; }

    /// <summary>Packets dropped because the queue was full, since the beginning.</summary>
    public ulong DroppedFull { get; private set; }

    /// <summary>How long the frame selected last has waited.</summary>
    public ulong LastWaitNanos { get; private set; }

    /// <summary>The selected frame. Borrowed until the next change of the queue. Its Segmenter is advanced by the sender.</summary>
    /// <exception cref="InvalidOperationException">None is selected.</exception>
    public ref FrameStore.Frame Head => ref _frames[HeadId];

    /// <summary>The bytes of the selected frame; borrowed like <see cref="Head"/>.</summary>
    public Span<byte> HeadFrame => _frames.Bytes(HeadId);

    private int HeadId => _current == None ? throw new InvalidOperationException("no frame is selected") : _flows[_current].First;

    /// <summary>Appends a copy of a frame to its flow; frames of the largest flow make room.</summary>
    /// <param name="segmenter">What is left to send of it.</param>
    /// <param name="isBegun">A part of it was sent. Only into an empty queue.</param>
    /// <returns>False: it was dropped itself, and counted.</returns>
    public bool Enqueue(int network, in Segmenter segmenter, ReadOnlySpan<byte> frame, bool isBegun, ulong nowNanos)
    {
        if (isBegun && Count > 0)
        {
            throw new InvalidOperationException("a frame that was begun cannot wait behind others");
        }

        var packets = Math.Max(segmenter.Remaining, 1);
        if (frame.IsEmpty || frame.Length > capacityBytes || !MakeRoom(frame.Length))
        {
            DropFull(network, packets, frame);
            return false;
        }

        if (Count == 0)
        {
            Start(nowNanos);
        }

        var id = _frames.Add(frame);
        ref var added = ref _frames[id];
        added.Network = network;
        added.Segmenter = segmenter;
        added.Packets = packets;
        added.SinceNanos = nowNanos;
        added.IsBegun = isBegun;
        var index = FindFlow(FlowHash.Of(frame, salt));
        ref var flow = ref _flows[index];
        if (flow.Frames == 0)
        {
            flow.First = id;
        }
        else
        {
            _frames[flow.Last].Next = id;
        }

        flow.Last = id;
        flow.Frames++;
        flow.Bytes += frame.Length;
        Count++;
        Bytes += frame.Length;
        _current = isBegun ? index : _current;
        return true;
    }

    /// <summary>
    /// Chooses the frame to send next; drops or marks what has waited too long. To be called before each use of <see cref="Head"/>: while
    /// nothing of it was sent, a frame of a sparse flow may go before the one selected earlier.
    /// </summary>
    /// <param name="stay">The sender holds a part of the selected frame that its Segmenter does not show (an open fragment).</param>
    /// <returns>False: nothing waits.</returns>
    public bool TrySelect(ulong nowNanos, bool stay)
    {
        if (_current != None)
        {
            ref var head = ref Head;
            head.IsBegun |= stay || (head.Segmenter.Remaining > 0 && head.Segmenter.Remaining != head.Packets);
            if (head.IsBegun)
            {
                return true;
            }

            _current = None;
        }

        while (Count > 0)
        {
            var isSparse = _sparse.First != None;
            ref var list = ref isSparse ? ref _sparse : ref _backlogged;
            var index = list.First;
            ref var flow = ref _flows[index];
            if (flow.Deficit <= 0)
            {
                flow.Deficit += QuantumBytes;
                list.RemoveFirst(_flows);
                _backlogged.Append(_flows, index);
                continue;
            }

            Control(ref flow, nowNanos);
            if (flow.Frames > 0)
            {
                _current = index;
                return true;
            }

            list.RemoveFirst(_flows);
            if (isSparse && _backlogged.First != None)
            {
                // Its next packet must not overtake again at once (RFC 8290 §4.2).
                _backlogged.Append(_flows, index);
            }
            else
            {
                FreeFlow(index);
            }
        }

        if (_buckets.Length > 0)
        {
            Release();
        }

        return false;
    }

    /// <summary>Removes the selected frame, which was sent.</summary>
    public void Pop(ulong nowNanos)
    {
        ref var head = ref Head;
        var cost = head.Length + (head.Packets * PacketCostBytes);
        ref var flow = ref _flows[_current];
        flow.Deficit -= cost;
        Measure(cost, nowNanos);
        RemoveFirst(ref flow);
        _current = None;
        if (Count == 0)
        {
            Release();
        }
    }

    /// <summary>How long the oldest frame that waits has done so. Looks at every flow: not for the packet path.</summary>
    public ulong WaitNanos(ulong nowNanos)
    {
        var longest = 0UL;
        for (var i = 0; Count > 0 && i < _usedFlows; i++)
        {
            longest = _flows[i].Frames > 0 ? Math.Max(longest, nowNanos - Math.Min(_frames[_flows[i].First].SinceNanos, nowNanos)) : longest;
        }

        return longest;
    }

    /// <summary>The longest that a frame waited in the last 5 to 10 s; frames that still wait are not in it.</summary>
    public ulong MaxWaitNanos(ulong nowNanos)
    {
        NoteWait(0, nowNanos);
        return Math.Max(_maxWaitNanos, _formerMaxWaitNanos);
    }

    /// <summary>Drops everything.</summary>
    public void Clear(DropReason reason)
    {
        if (Count == 0)
        {
            return;
        }

        for (var i = 0; i < _usedFlows; i++)
        {
            for (var id = _flows[i].Frames > 0 ? _flows[i].First : None; id != None; id = _frames[id].Next)
            {
                dropped(_frames[id].Network, reason, Math.Max(_frames[id].Segmenter.Remaining, 1), _frames.Bytes(id));
            }
        }

        Count = 0;
        Bytes = 0;
        Release();
    }

    /// <summary>CoDel: afterwards the flow's first frame, if any is left, may be sent.</summary>
    private void Control(ref Flow flow, ulong nowNanos)
    {
        while (flow.Frames > 0)
        {
            ref var head = ref _frames[flow.First];
            LastWaitNanos = nowNanos - Math.Min(head.SinceNanos, nowNanos);
            NoteWait(LastWaitNanos, nowNanos);
            if (head.IsBegun || head.IsMarked)
            {
                return;
            }

            // On a slow line a single super-packet takes longer than the target: the one behind it is no standing queue.
            var target = Math.Clamp((ulong)(_nanosPerByte * head.Length * 3 / 2), CoDel.TargetNanos, CoDel.IntervalNanos);
            var isShort = flow.Frames == 1 || flow.Bytes <= QuantumBytes;
            if (!flow.CoDel.MustSignal(LastWaitNanos, isShort, target, nowNanos))
            {
                return;
            }

            if (Ecn.TryMark(_frames.Bytes(flow.First)))
            {
                head.IsMarked = true;
                Marked += (ulong)head.Packets;
                return;
            }

            if (head.Packets > 1)
            {
                // One packet of a super-packet is signal enough; the loss of all would end in a time-out.
                head.Segmenter.Advance();
                head.Packets--;
                DropByCoDel(head.Network, _frames.Bytes(flow.First));
                continue;
            }

            DropByCoDel(head.Network, _frames.Bytes(flow.First));
            RemoveFirst(ref flow);
        }
    }

    /// <returns>False: nothing that may be dropped is left.</returns>
    private bool MakeRoom(int bytes)
    {
        while (Bytes + bytes > capacityBytes || Count >= _maxFrames)
        {
            var fattest = None;
            var weight = 0L;
            for (var i = 0; i < _usedFlows; i++)
            {
                ref var candidate = ref _flows[i];
                var holds = candidate.Bytes + ((long)candidate.Frames * BytesPerFrame);
                if (holds > weight && candidate.Frames > (i == _current ? 1 : 0))
                {
                    fattest = i;
                    weight = holds;
                }
            }

            if (fattest == None)
            {
                return false;
            }

            DropFirstFrames(ref _flows[fattest], keepFirst: fattest == _current, bytes);
        }

        return true;
    }

    /// <summary>
    /// Drops the oldest frames (the newest would tell the sender a whole queue later), at most until half of the flow is gone, but one.
    /// </summary>
    private void DropFirstFrames(ref Flow flow, bool keepFirst, int bytes)
    {
        var half = flow.Frames / 2;
        for (var i = 0; i < DropBatch && (i == 0 || (flow.Frames > half && IsTight(bytes))); i++)
        {
            var id = keepFirst ? _frames[flow.First].Next : flow.First;
            if (id == None)
            {
                return;
            }

            DropFull(_frames[id].Network, Math.Max(_frames[id].Segmenter.Remaining, 1), _frames.Bytes(id));
            if (!keepFirst)
            {
                RemoveFirst(ref flow);
                continue;
            }

            ref var first = ref _frames[flow.First];
            first.Next = _frames[id].Next;
            flow.Last = first.Next == None ? flow.First : flow.Last;
            Forget(ref flow, id);
        }
    }

    private void DropByCoDel(int network, ReadOnlySpan<byte> frame)
    {
        DroppedByCoDel++;
        dropped(network, DropReason.OutCodel, 1, frame);
    }

    private void DropFull(int network, int packets, ReadOnlySpan<byte> frame)
    {
        DroppedFull += (ulong)packets;
        dropped(network, DropReason.OutQueueFull, packets, frame);
    }

    private void NoteWait(ulong nanos, ulong nowNanos)
    {
        if (nowNanos - _waitSinceNanos >= WaitWindowNanos)
        {
            _formerMaxWaitNanos = nowNanos - _waitSinceNanos < 2 * WaitWindowNanos ? _maxWaitNanos : 0;
            _maxWaitNanos = 0;
            _waitSinceNanos = nowNanos;
        }

        _maxWaitNanos = Math.Max(_maxWaitNanos, nanos);
    }

    /// <summary>The next few frames would need a search again.</summary>
    private bool IsTight(int bytes) => Bytes + bytes > capacityBytes - (capacityBytes / 64) || Count > _maxFrames - DropBatch;

    private void RemoveFirst(ref Flow flow)
    {
        var id = flow.First;
        flow.First = _frames[id].Next;
        Forget(ref flow, id);
    }

    private void Forget(ref Flow flow, int id)
    {
        var bytes = _frames[id].Length;
        flow.Frames--;
        flow.Bytes -= bytes;
        Count--;
        Bytes -= bytes;
        _frames.Remove(id);
    }

    /// <summary>The flow with this hash, listed as a sparse one if it is new.</summary>
    private int FindFlow(ulong hash)
    {
        ref var bucket = ref _buckets[hash % Buckets];
        for (int i = bucket; i != None; i = _flows[i].NextInBucket)
        {
            if (_flows[i].Hash == hash)
            {
                return i;
            }
        }

        if (Flows == MaxFlows)
        {
            // All are in use: it shares one.
            return (int)(hash / Buckets % MaxFlows);
        }

        var index = TakeFlow();
        _flows[index] = new Flow { Hash = hash, Deficit = QuantumBytes, NextInBucket = bucket, First = None };
        bucket = (short)index;
        _sparse.Append(_flows, index);
        Flows++;
        return index;
    }

    private int TakeFlow()
    {
        if (_freeFlow != None)
        {
            var index = _freeFlow;
            _freeFlow = _flows[index].NextInList;
            return index;
        }

        if (_usedFlows == _flows.Length)
        {
            var larger = ArrayPool<Flow>.Shared.Rent(Math.Max(16, _usedFlows * 2));
            _flows.AsSpan(0, _usedFlows).CopyTo(larger);
            if (_flows.Length > 0)
            {
                ArrayPool<Flow>.Shared.Return(_flows);
            }

            _flows = larger;
        }

        return _usedFlows++;
    }

    private void FreeFlow(int index)
    {
        ref var flow = ref _flows[index];
        ref var bucket = ref _buckets[flow.Hash % Buckets];
        if (bucket == index)
        {
            bucket = (short)flow.NextInBucket;
        }
        else
        {
            int before = bucket;
            while (_flows[before].NextInBucket != index)
            {
                before = _flows[before].NextInBucket;
            }

            _flows[before].NextInBucket = flow.NextInBucket;
        }

        flow.Frames = flow.Bytes = 0;
        flow.NextInList = _freeFlow;
        _freeFlow = index;
        Flows--;
    }

    /// <summary>How fast frames leave while some wait.</summary>
    private void Measure(int bytes, ulong nowNanos)
    {
        _rateBytes += bytes;
        if (nowNanos > _rateSinceNanos + RateWindowNanos)
        {
            var sample = (double)(nowNanos - _rateSinceNanos) / _rateBytes;
            _nanosPerByte = _nanosPerByte == 0 ? sample : ((3 * _nanosPerByte) + sample) / 4;
            _rateBytes = 0;
            _rateSinceNanos = nowNanos;
        }
    }

    private void Start(ulong nowNanos)
    {
        _rateSinceNanos = nowNanos;
        _rateBytes = 0;
        if (_buckets.Length == 0)
        {
            _buckets = ArrayPool<short>.Shared.Rent(Buckets);
            _buckets.AsSpan(0, Buckets).Fill(None);
        }
    }

    private void Release()
    {
        _frames.Release();
        ArrayPool<short>.Shared.Return(_buckets);
        ArrayPool<Flow>.Shared.Return(_flows);
        _buckets = [];
        _flows = [];
        _usedFlows = 0;
        Flows = 0;
        _freeFlow = _current = None;
        _sparse = _backlogged = FlowList.Empty;
    }

    /// <summary>What waits of one flow.</summary>
    private struct Flow
    {
        public ulong Hash;
        public CoDel CoDel;
        public int First;
        public int Last;
        public int Frames;
        public int Bytes;

        /// <summary>What it may still send in this turn, in bytes on the line.</summary>
        public int Deficit;
        public int NextInBucket;
        public int NextInList;
    }

    private struct FlowList
    {
        public static readonly FlowList Empty = new() { First = None, Last = None };

        public int First;
        public int Last;

        public void Append(Flow[] flows, int index)
        {
            flows[index].NextInList = None;
            if (First == None)
            {
                First = index;
            }
            else
            {
                flows[Last].NextInList = index;
            }

            Last = index;
        }

        public void RemoveFirst(Flow[] flows) => First = flows[First].NextInList;
    }
}
