using System.Buffers.Binary;

namespace VibePN.Routing;

/// <summary>
/// Longest-prefix match over IPv4 and IPv6 as an immutable snapshot, replaced whole. Nested prefixes are flattened to disjoint
/// ranges in ascending order, so that a lookup is one binary search and allocates nothing; any thread may read.
/// </summary>
internal sealed class ForwardingTable<TTarget> where TTarget : class
{
    public static readonly ForwardingTable<TTarget> Empty = new([]);

    /// <summary>Below this many ranges the whole array is searched: it fits the nearest cache, and an index would not.</summary>
    private const int IndexFrom = 2048;

    /// <summary>IPv4 ranges by the upper 16 bits of the address: where to begin and end the search. Empty for a small table.</summary>
    private readonly int[] _v4Index;
    private readonly uint[] _v4Starts;
    private readonly TTarget?[] _v4Targets;
    private readonly UInt128[] _v6Starts;
    private readonly TTarget?[] _v6Targets;

    /// <param name="routes">Distinct prefixes; of equal ones the last wins.</param>
    public ForwardingTable(IReadOnlyCollection<KeyValuePair<Prefix, TTarget>> routes)
    {
        var (starts, targets) = Flatten(routes, v6: false);
        _v4Starts = Array.ConvertAll(starts, start => (uint)start);
        _v4Targets = targets;
        (_v6Starts, _v6Targets) = Flatten(routes, v6: true);

        _v4Index = _v4Starts.Length < IndexFrom ? [] : IndexUpperHalves(_v4Starts);
    }

    /// <param name="address">4 or 16 bytes in network order.</param>
    /// <returns>The target of the longest matching prefix, or null.</returns>
    public TTarget? Lookup(ReadOnlySpan<byte> address) => address.Length switch
    {
        4 => LookupV4(BinaryPrimitives.ReadUInt32BigEndian(address)),
        16 => LookupV6(BinaryPrimitives.ReadUInt128BigEndian(address)),
        _ => null,
    };

    public TTarget? Lookup(IpKey address) => address.IsV6 ? LookupV6(address.Bits) : LookupV4((uint)address.Bits);

    private TTarget? LookupV4(uint address)
    {
        // The range that holds the address begins at or before it: the last start ≤ address.
        var low = 0;
        var high = _v4Starts.Length;
        if (_v4Index.Length > 0)
        {
            low = _v4Index[address >> 16];
            high = _v4Index[(address >> 16) + 1];
        }

        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_v4Starts[middle] <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low == 0 ? null : _v4Targets[low - 1];
    }

    private TTarget? LookupV6(UInt128 address)
    {
        var low = 0;
        var high = _v6Starts.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_v6Starts[middle] <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low == 0 ? null : _v6Targets[low - 1];
    }

    /// <summary>Sweeps over the prefixes, outer before inner, and notes each address at which the winner changes.</summary>
    private static (UInt128[] Starts, TTarget?[] Targets) Flatten(IReadOnlyCollection<KeyValuePair<Prefix, TTarget>> routes, bool v6)
    {
        var unique = new SortedDictionary<Prefix, TTarget>();
        foreach (var (prefix, target) in routes)
        {
            if (prefix.First.IsV6 == v6)
            {
                unique[prefix] = target;
            }
        }

        var starts = new List<UInt128>(unique.Count * 2);
        var targets = new List<TTarget?>(unique.Count * 2);
        var open = new Stack<KeyValuePair<Prefix, TTarget>>();
        foreach (var route in unique)
        {
            while (open.TryPeek(out var outer) && !outer.Key.Contains(route.Key))
            {
                CloseInnermost();
            }

            Mark(route.Key.First.Bits, route.Value);
            open.Push(route);
        }

        while (open.Count > 0)
        {
            CloseInnermost();
        }

        return (starts.ToArray(), targets.ToArray());

        void CloseInnermost()
        {
            var ended = open.Pop().Key;
            var widest = v6 ? UInt128.MaxValue : uint.MaxValue;
            if (ended.Last.Bits != widest)
            {
                Mark(ended.Last.Bits + 1, open.TryPeek(out var outer) ? outer.Value : null);
            }
        }

        void Mark(UInt128 start, TTarget? target)
        {
            if (starts.Count > 0 && starts[^1] == start)
            {
                targets[^1] = target;
            }
            else
            {
                starts.Add(start);
                targets.Add(target);
            }
        }
    }

    private static int[] IndexUpperHalves(uint[] starts)
    {
        var index = new int[65537];
        var next = 0;
        for (var upper = 0; upper <= 65536; upper++)
        {
            while (next < starts.Length && starts[next] < (ulong)upper << 16)
            {
                next++;
            }

            index[upper] = next;
        }

        return index;
    }
}
