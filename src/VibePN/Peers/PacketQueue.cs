using System.Buffers;
using VibePN.Linux;

namespace VibePN.Peers;

/// <summary>
/// Frames that wait for a peer's congestion window: first in, first out, bounded in bytes. Memory is taken when the first frame
/// waits and given back when the queue is empty, so an idle peer holds none. Thread: the node's.
/// </summary>
internal sealed class PacketQueue(int capacityBytes)
{
    private Entry[] _entries = [];
    private int _first;
    private byte[]? _ring;
    private int _tail;

    public int Count { get; private set; }

    /// <summary>Bytes of the frames that wait.</summary>
    public int Bytes { get; private set; }

    /// <summary>The oldest frame. Borrowed until the next change of the queue.</summary>
    /// <exception cref="InvalidOperationException">The queue is empty.</exception>
    public ref Entry Head
    {
        get
        {
            if (Count == 0)
            {
                throw new InvalidOperationException("the queue is empty");
            }

            return ref _entries[_first];
        }
    }

    /// <summary>The bytes of the oldest frame; borrowed like <see cref="Head"/>.</summary>
    public Span<byte> HeadFrame => _ring.AsSpan(Head.Start, Head.Length);

    /// <summary>Appends a copy of a frame, of which <paramref name="segmenter"/> tells what is left to send.</summary>
    /// <returns>False when it does not fit: the caller counts the drop.</returns>
    public bool TryEnqueue(int network, in Segmenter segmenter, ReadOnlySpan<byte> frame)
    {
        if (frame.IsEmpty || Bytes + frame.Length > capacityBytes || !TryReserve(frame.Length, out var start))
        {
            return false;
        }

        frame.CopyTo(_ring.AsSpan(start));
        if (Count == _entries.Length)
        {
            Grow();
        }

        _entries[(_first + Count) & (_entries.Length - 1)] = new Entry { Start = start, Length = frame.Length, Network = network, Segmenter = segmenter };
        Count++;
        _tail = start + frame.Length;
        Bytes += frame.Length;
        return true;
    }

    /// <summary>Removes the oldest frame.</summary>
    public void Pop()
    {
        Bytes -= Head.Length;
        _first = (_first + 1) & (_entries.Length - 1);
        if (--Count == 0)
        {
            Clear();
        }
    }

    public void Clear()
    {
        Count = Bytes = _first = _tail = 0;
        if (_entries.Length > 0)
        {
            ArrayPool<Entry>.Shared.Return(_entries);
            _entries = [];
        }

        if (_ring is { } ring)
        {
            _ring = null;
            ArrayPool<byte>.Shared.Return(ring);
        }
    }

    /// <summary>Finds room in one piece: behind the last frame, or at the ring's beginning when the end is too short.</summary>
    private bool TryReserve(int length, out int start)
    {
        _ring ??= ArrayPool<byte>.Shared.Rent(capacityBytes);
        var head = Count == 0 ? 0 : _entries[_first].Start;
        var isWrapped = Count > 0 && _tail <= head;
        start = _tail;
        if (isWrapped)
        {
            return head - _tail >= length;
        }

        if (_ring.Length - _tail >= length)
        {
            return true;
        }

        start = 0;
        return head >= length;
    }

    private void Grow()
    {
        // The pool's arrays have the lengths asked for when these are powers of two, as the mask needs; it keeps the allocation rate at none.
        var larger = ArrayPool<Entry>.Shared.Rent(Math.Max(16, _entries.Length * 2));
        for (var i = 0; i < Count; i++)
        {
            larger[i] = _entries[(_first + i) & (_entries.Length - 1)];
        }

        if (_entries.Length > 0)
        {
            ArrayPool<Entry>.Shared.Return(_entries);
        }

        _entries = larger;
        _first = 0;
    }

    /// <summary>A frame in the ring.</summary>
    internal struct Entry
    {
        public int Start;
        public int Length;

        /// <summary>Index of the network it belongs to.</summary>
        public int Network;

        public Segmenter Segmenter;
    }
}
