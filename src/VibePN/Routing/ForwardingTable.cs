using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VibePN.Routing;

/// <summary>
/// Longest-prefix match over IPv4 and IPv6 as an immutable snapshot, replaced whole. Nested prefixes are flattened to disjoint
/// ranges in ascending order, so that a lookup is one binary search and allocates nothing; any thread may read.
/// </summary>
internal sealed class ForwardingTable<TTarget> where TTarget : class
{
    public static readonly ForwardingTable<TTarget> Empty = new([]);

    /// <summary>So many lower halves are looked at one by one.</summary>
    private const int LargeGroup = 8;

    private readonly RangeIndex _v4Starts;
    private readonly TTarget?[] _v4Targets;

    /// <summary>The distinct upper halves of the IPv6 starts: almost all prefixes end there.</summary>
    private readonly RangeIndex _v6Uppers;

    /// <summary>By the index of an upper half: where its lower halves begin; and one more entry, where the last ends.</summary>
    private readonly int[] _v6Groups;
    private readonly ulong[] _v6Lowers;

    /// <summary>By the same index: the search among many lower halves (the hosts of one /64), or null.</summary>
    private readonly RangeIndex?[] _v6Large;
    private readonly TTarget?[] _v6Targets;

    /// <param name="routes">Distinct prefixes; of equal ones the last wins.</param>
    public ForwardingTable(IReadOnlyCollection<KeyValuePair<Prefix, TTarget>> routes)
    {
        var (starts, targets) = Flatten(routes, v6: false);
        _v4Starts = new RangeIndex(Array.ConvertAll(starts, start => (ulong)start));
        _v4Targets = targets;

        (starts, _v6Targets) = Flatten(routes, v6: true);
        List<ulong> uppers = [];
        List<int> groups = [];
        for (var i = 0; i < starts.Length; i++)
        {
            var upper = (ulong)(starts[i] >> 64);
            if (uppers.Count == 0 || uppers[^1] != upper)
            {
                uppers.Add(upper);
                groups.Add(i);
            }
        }

        _v6Uppers = new RangeIndex(CollectionsMarshal.AsSpan(uppers));
        _v6Groups = [.. groups, starts.Length];
        _v6Lowers = Array.ConvertAll(starts, start => (ulong)start);
        _v6Large = new RangeIndex?[uppers.Count];
        for (var i = 0; i < uppers.Count; i++)
        {
            if (_v6Groups[i + 1] - _v6Groups[i] > LargeGroup)
            {
                _v6Large[i] = new RangeIndex(_v6Lowers.AsSpan(_v6Groups[i].._v6Groups[i + 1]));
            }
        }
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

    /// <summary>The range that holds the address begins at or before it: at the last start ≤ address.</summary>
    private TTarget? LookupV4(uint address)
    {
        var range = _v4Starts.Find(address);
        return range < 0 ? null : _v4Targets[range];
    }

    private TTarget? LookupV6(UInt128 address)
    {
        var upper = (ulong)(address >> 64);
        var group = _v6Uppers.Find(upper);
        if (group < 0)
        {
            return null;
        }

        // Of a smaller upper half every lower one is passed already.
        var (first, end) = (_v6Groups[group], _v6Groups[group + 1]);
        var range = _v6Uppers[group] != upper ? end - 1
            : _v6Large[group] is { } lowers ? first + lowers.Find((ulong)address)
            : LastUpTo((ulong)address, first, end);
        return range < 0 ? null : _v6Targets[range];
    }

    private int LastUpTo(ulong lower, int first, int end)
    {
        while (end > first && _v6Lowers[end - 1] > lower)
        {
            end--;
        }

        return end - 1;
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
}
