namespace VibePN.Quic;

/// <summary>Connections ordered by deadline: a binary heap in which each connection knows its place, so that moving one is O(log n).</summary>
internal sealed class DeadlineHeap
{
    public const int NotInHeap = -1;

    private QuicConnection[] _items = new QuicConnection[16];
    private int _count;

    /// <summary>Nanoseconds; <see cref="ulong.MaxValue"/> when nothing waits.</summary>
    public ulong Earliest => _count == 0 ? ulong.MaxValue : _items[0].Deadline;

    public QuicConnection? First => _count == 0 ? null : _items[0];

    /// <summary>Inserts, moves or (deadline <see cref="ulong.MaxValue"/>) takes out.</summary>
    public void Update(QuicConnection connection)
    {
        if (connection.Deadline == ulong.MaxValue)
        {
            Remove(connection);
            return;
        }

        if (connection.HeapIndex == NotInHeap)
        {
            if (_count == _items.Length)
            {
                Array.Resize(ref _items, _count * 2);
            }

            Place(connection, _count++);
        }

        Down(Up(connection.HeapIndex));
    }

    public void Remove(QuicConnection connection)
    {
        var index = connection.HeapIndex;
        if (index == NotInHeap)
        {
            return;
        }

        connection.HeapIndex = NotInHeap;
        var last = _items[--_count];
        _items[_count] = null!;
        if (index == _count)
        {
            return;
        }

        Place(last, index);
        Down(Up(index));
    }

    private void Place(QuicConnection connection, int index)
    {
        _items[index] = connection;
        connection.HeapIndex = index;
    }

    private int Up(int index)
    {
        while (index > 0 && _items[(index - 1) / 2].Deadline > _items[index].Deadline)
        {
            Swap(index, (index - 1) / 2);
            index = (index - 1) / 2;
        }

        return index;
    }

    private void Down(int index)
    {
        while (true)
        {
            var least = index;
            for (var child = (2 * index) + 1; child <= (2 * index) + 2 && child < _count; child++)
            {
                if (_items[child].Deadline < _items[least].Deadline)
                {
                    least = child;
                }
            }

            if (least == index)
            {
                return;
            }

            Swap(index, least);
            index = least;
        }
    }

    private void Swap(int a, int b)
    {
        var item = _items[a];
        Place(_items[b], a);
        Place(item, b);
    }
}
