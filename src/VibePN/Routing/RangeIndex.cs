using System.Runtime.CompilerServices;

namespace VibePN.Routing;

/// <summary>
/// Finds the last of many ascending numbers that is not above a given one. A tree without pointers: a level holds the first key of every
/// block of the level below, so that a search reads one block, two cache lines, of each: five for 200,000 keys. Immutable; any thread may read.
/// </summary>
internal sealed class RangeIndex
{
    private const int BlockKeys = 16;

    /// <summary>From the root, of one block, down to the keys; each filled up to whole blocks with the largest number.</summary>
    private readonly Block[][] _levels;
    private readonly int _count;
    private readonly ulong _first;

    /// <param name="keys">Ascending and distinct.</param>
    public RangeIndex(ReadOnlySpan<ulong> keys)
    {
        _count = keys.Length;
        _first = keys.IsEmpty ? ulong.MaxValue : keys[0];
        List<Block[]> levels = [Blocks(keys)];
        while (levels[0].Length > 1)
        {
            levels.Insert(0, Blocks(Array.ConvertAll(levels[0], block => block[0])));
        }

        _levels = [.. levels];
    }

    public ulong this[int index] => _levels[^1][index / BlockKeys][index % BlockKeys];

    /// <returns>The index of the last key ≤ <paramref name="value"/>; -1: all are above.</returns>
    public int Find(ulong value)
    {
        if (value < _first || value == ulong.MaxValue)
        {
            // The largest number is the only one that is not below the filling.
            return value < _first ? -1 : _count - 1;
        }

        var index = 0;
        foreach (var level in _levels)
        {
            // The first key of a block is not above the value: that is how the block was chosen. First its quarter, then the place there.
            ReadOnlySpan<ulong> keys = level[index];
            var i = (One(keys[4] <= value) + One(keys[8] <= value) + One(keys[12] <= value)) << 2;
            i += One(keys[i + 1] <= value) + One(keys[i + 2] <= value) + One(keys[i + 3] <= value);
            index = (index * BlockKeys) + i;
        }

        return index;
    }

    /// <summary>Without a branch: which way it goes, no processor could foretell.</summary>
    private static int One(bool condition) => condition ? 1 : 0;

    private static Block[] Blocks(ReadOnlySpan<ulong> keys)
    {
        var blocks = new Block[Math.Max(1, (keys.Length + BlockKeys - 1) / BlockKeys)];
        for (var i = 0; i < blocks.Length * BlockKeys; i++)
        {
            blocks[i / BlockKeys][i % BlockKeys] = i < keys.Length ? keys[i] : ulong.MaxValue;
        }

        return blocks;
    }

    [InlineArray(BlockKeys)]
    private struct Block
    {
        private ulong _first;
    }
}
