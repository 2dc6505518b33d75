namespace VibePN.Fuzz;

/// <summary>Makes inputs out of a corpus; the same seed makes the same ones.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> corpus, ulong seed)
{
    private const int MaxBytes = 4096;
    private const int MaxMutations = 6;

    private static readonly byte[] Interesting = [0, 1, 2, 3, 4, 7, 8, 15, 16, 20, 31, 32, 39, 40, 63, 64, 127, 128, 191, 192, 254, 255];

    private readonly byte[] _buffer = new byte[MaxBytes];
    private ulong _state = seed;

    /// <summary>The next input; borrowed until the next call.</summary>
    public ReadOnlySpan<byte> Next()
    {
        var original = corpus[Below(corpus.Count)];
        var length = Math.Min(original.Length, MaxBytes);
        original.AsSpan(0, length).CopyTo(_buffer);
        for (var left = 1 + Below(MaxMutations); left > 0; left--)
        {
            length = Mutate(length);
        }

        return _buffer.AsSpan(0, length);
    }

    private int Mutate(int length)
    {
        var at = Below(length + 1);
        switch (Below(9))
        {
            case 0 when at < length:
                _buffer[at] ^= (byte)(1 << Below(8));
                return length;
            case 1 when at < length:
                _buffer[at] = (byte)Below(256);
                return length;
            case 2 when at < length:
                _buffer[at] = Interesting[Below(Interesting.Length)];
                return length;
            case 3 when at < length:
                _buffer[at] += (byte)(Below(2) * 2 - 1);
                return length;
            case 4:
                return at;
            case 5:
                return Insert(at, length, 1 + Below(8));
            case 6 when at < length:
                return Delete(at, length, 1 + Below(length - at));
            case 7:
                return Splice(at);
            case 8 when length - at >= 2:
                _buffer[at] = Interesting[Below(Interesting.Length)];
                _buffer[at + 1] = Interesting[Below(Interesting.Length)];
                return length;
            default:
                return Insert(at, length, 1);
        }
    }

    private int Insert(int at, int length, int count)
    {
        count = Math.Min(count, MaxBytes - length);
        _buffer.AsSpan(at, length - at).CopyTo(_buffer.AsSpan(at + count));
        var same = Below(2) == 0;
        var value = (byte)Below(256);
        for (var i = 0; i < count; i++)
        {
            _buffer[at + i] = same ? value : (byte)Below(256);
        }

        return length + count;
    }

    private int Delete(int at, int length, int count)
    {
        _buffer.AsSpan(at + count, length - at - count).CopyTo(_buffer.AsSpan(at));
        return length - count;
    }

    /// <summary>Goes on with another input, from anywhere in it.</summary>
    private int Splice(int at)
    {
        var other = corpus[Below(corpus.Count)];
        var from = Below(other.Length + 1);
        var count = Math.Min(other.Length - from, MaxBytes - at);
        other.AsSpan(from, count).CopyTo(_buffer.AsSpan(at));
        return at + count;
    }

    private int Below(int bound)
    {
        // splitmix64
        _state += 0x9e3779b97f4a7c15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return (int)(((z ^ (z >> 31)) >> 32) * (ulong)bound >> 32);
    }
}
