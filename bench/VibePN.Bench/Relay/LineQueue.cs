namespace VibePN.Bench.Relay;

/// <summary>
/// One direction of a line: datagrams enter, and leave when their time has come. What happens to the n-th datagram is a pure function of
/// seed and n, so a run can be repeated. No clock of its own; one thread. Allocates only until as many buffers exist as are on the way.
/// </summary>
internal sealed class LineQueue(LineSettings settings, ulong seed)
{
    private const int HeaderBytes = 28;
    private const int BufferBytes = 2_048;
    private const long MaxBytesOnTheWay = 256L * 1024 * 1024;
    private const double NanosPerSecond = 1e9;

    private readonly PriorityQueue<Entry, (ulong Nanos, ulong Number)> _travelling = new();
    private readonly Stack<byte[]> _free = new();
    private readonly ulong _delay = Nanos(settings.Delay);
    private readonly ulong _reorderDelay = Nanos(settings.ReorderDelay);
    private readonly double _jitter = Nanos(settings.Jitter);
    private readonly double _nanosPerByte = settings.BytesPerSecond > 0 ? NanosPerSecond / settings.BytesPerSecond : 0;
    private byte[]? _borrowed;
    private ulong _number;
    private double _lineFree;
    private ulong _lastArrival;
    private long _bytesOnTheWay;

    /// <summary>When the next datagram leaves; <see cref="ulong.MaxValue"/>: none is on the way.</summary>
    public ulong NextNanos => _travelling.TryPeek(out _, out var at) ? at.Nanos : ulong.MaxValue;

    public int Count => _travelling.Count;

    public LineFate Offer(ReadOnlySpan<byte> datagram, int tag, ulong nowNanos)
    {
        var number = _number++;
        if (Chance(number, 1) < settings.Loss)
        {
            return LineFate.Lost;
        }

        if (_bytesOnTheWay + Math.Max(datagram.Length, BufferBytes) > MaxBytesOnTheWay || !TryDepart(datagram.Length + HeaderBytes, nowNanos, out var departure))
        {
            return LineFate.Overflow;
        }

        var arrival = departure + _delay + (ulong)(Chance(number, 2) * _jitter);
        if (Chance(number, 3) < settings.Reorder)
        {
            arrival += _reorderDelay;
        }
        else
        {
            _lastArrival = arrival = Math.Max(arrival, _lastArrival);
        }

        GiveBack();
        var buffer = datagram.Length <= BufferBytes ? (_free.TryPop(out var free) ? free : new byte[BufferBytes]) : datagram.ToArray();
        datagram.CopyTo(buffer);
        _bytesOnTheWay += buffer.Length;
        _travelling.Enqueue(new Entry(buffer, datagram.Length, tag), (arrival, number));
        return LineFate.Travels;
    }

    /// <summary>The next datagram that has arrived by now.</summary>
    public bool TryTake(ulong nowNanos, out LineDatagram datagram)
    {
        GiveBack();
        if (NextNanos > nowNanos)
        {
            datagram = default;
            return false;
        }

        var entry = _travelling.Dequeue();
        _borrowed = entry.Buffer;
        _bytesOnTheWay -= entry.Buffer.Length;
        datagram = new LineDatagram { Bytes = entry.Buffer.AsSpan(0, entry.Bytes), Tag = entry.Tag };
        return true;
    }

    /// <summary>The token bucket, told as the time at which the line will be free: up to a burst in the past, up to a queue in the future.</summary>
    private bool TryDepart(int bytes, ulong nowNanos, out ulong departure)
    {
        departure = nowNanos;
        if (_nanosPerByte == 0)
        {
            return true;
        }

        var start = Math.Max(_lineFree, nowNanos - (settings.BurstBytes * _nanosPerByte));
        var end = start + (bytes * _nanosPerByte);
        if (end - nowNanos > settings.QueueBytes * _nanosPerByte)
        {
            return false;
        }

        _lineFree = end;
        departure = Math.Max(nowNanos, (ulong)Math.Max(end, 0));
        return true;
    }

    private void GiveBack()
    {
        if (_borrowed is { Length: BufferBytes } buffer)
        {
            _free.Push(buffer);
        }

        _borrowed = null;
    }

    private double Chance(ulong number, ulong purpose)
    {
        var x = seed ^ (number * 0xbf58476d1ce4e5b9) ^ (purpose * 0x94d049bb133111eb);
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return ((x ^ (x >> 31)) >> 11) * (1.0 / (1UL << 53));
    }

    private static ulong Nanos(TimeSpan time) => (ulong)(time.Ticks * TimeSpan.NanosecondsPerTick);

    private readonly record struct Entry(byte[] Buffer, int Bytes, int Tag);
}
