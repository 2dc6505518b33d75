using System.Buffers;
using System.Runtime.InteropServices;

namespace VibePN.Peers;

/// <summary>
/// Frames that wait for a peer's congestion window: first in, first out, bounded in bytes. Memory is taken when the first frame
/// waits and given back when the queue is empty, so an idle peer holds none. Thread: the node's.
/// </summary>
internal sealed class PacketQueue(int capacityBytes) : IDisposable
{
    private readonly Queue<Entry> _entries = new();
    private byte[]? _ring;
    private int _head;
    private int _tail;

    public int Count => _entries.Count;

    /// <summary>Bytes of the frames that wait.</summary>
    public int Bytes { get; private set; }

    /// <summary>Appends a copy of a frame.</summary>
    /// <returns>False when it does not fit: the caller counts the drop.</returns>
    public bool TryEnqueue(int network, ReadOnlySpan<byte> header, ReadOnlySpan<byte> packet)
    {
        var length = header.Length + packet.Length;
        if (length == 0 || Bytes + length > capacityBytes || !TryReserve(length, out var start))
        {
            return false;
        }

        header.CopyTo(_ring.AsSpan(start));
        packet.CopyTo(_ring.AsSpan(start + header.Length));
        _entries.Enqueue(new Entry(start, header.Length, packet.Length, network));
        _tail = start + length;
        Bytes += length;
        return true;
    }

    /// <summary>The frame at the front; spans borrowed until the next call.</summary>
    public bool TryPeek(out int network, out Span<byte> header, out Span<byte> packet)
    {
        if (!_entries.TryPeek(out var entry))
        {
            network = -1;
            header = packet = default;
            return false;
        }

        network = entry.Network;
        header = _ring.AsSpan(entry.Start, entry.HeaderBytes);
        packet = _ring.AsSpan(entry.Start + entry.HeaderBytes, entry.PacketBytes);
        return true;
    }

    /// <summary>Removes the frame at the front.</summary>
    public void Pop()
    {
        var entry = _entries.Dequeue();
        Bytes -= entry.HeaderBytes + entry.PacketBytes;
        if (_entries.TryPeek(out var next))
        {
            _head = next.Start;
        }
        else
        {
            Clear();
        }
    }

    public void Clear()
    {
        _entries.Clear();
        _head = _tail = Bytes = 0;
        if (_ring is { } ring)
        {
            _ring = null;
            ArrayPool<byte>.Shared.Return(ring);
        }
    }

    public void Dispose() => Clear();

    /// <summary>Finds room in one piece: behind the last frame, or at the ring's beginning when the end is too short.</summary>
    private bool TryReserve(int length, out int start)
    {
        _ring ??= ArrayPool<byte>.Shared.Rent(capacityBytes);
        if (_entries.Count == 0)
        {
            _head = _tail = 0;
        }

        var wrapped = _entries.Count > 0 && _tail <= _head;
        if (wrapped)
        {
            start = _tail;
            return _head - _tail >= length;
        }

        if (_ring.Length - _tail >= length)
        {
            start = _tail;
            return true;
        }

        start = 0;
        return _head >= length;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(int Start, int HeaderBytes, int PacketBytes, int Network);
}
