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

    /// <summary>Up to so many lower halves are looked at one by one.</summary>
    private const int LargeGroup = 8;

    private readonly RangeIndex _v4Starts;
    private readonly TTarget?[] _v4Targets;

    /// <summary>The distinct upper halves of the IPv6 starts.</summary>
    private readonly RangeIndex _v6Uppers;

    /// <summary>Every IPv6 range: the lower half of its start.</summary>
    private readonly (ulong Lower, TTarget? Target)[] _v6Ranges;

    /// <summary>By the index of an upper half: its ranges. Empty where each has but one: all prefixes are /64 or shorter.</summary>
    private readonly (int First, int End, RangeIndex? Many)[] _v6Groups;

    /// <param name="routes">Distinct prefixes; of equal ones the last wins.</param>
    /// <param name="withheld">Prefixes that lead nowhere, whatever contains them does. No route has one of them.</param>
    public ForwardingTable(IReadOnlyCollection<KeyValuePair<Prefix, TTarget>> routes, IReadOnlyCollection<Prefix>? withheld = null)
    {
        var (starts, targets) = Flatten(routes, withheld ?? [], v6: false);
        _v4Starts = new RangeIndex(Array.ConvertAll(starts, start => (ulong)start));
        _v4Targets = targets;

        (starts, targets) = Flatten(routes, withheld ?? [], v6: true);
        var lowers = Array.ConvertAll(starts, start => (ulong)start);
        _v6Ranges = [.. lowers.Zip(targets)];
        List<ulong> uppers = [];
        List<(int First, int End, RangeIndex? Many)> groups = [];
        for (var (first, end) = (0, 0); first < starts.Length; first = end)
        {
            var upper = (ulong)(starts[first] >> 64);
            while (end < starts.Length && (ulong)(starts[end] >> 64) == upper)
            {
                end++;
            }

            uppers.Add(upper);
            groups.Add((first, end, end - first > LargeGroup ? new RangeIndex(lowers.AsSpan(first..end)) : null));
        }

        _v6Uppers = new RangeIndex(CollectionsMarshal.AsSpan(uppers));
        _v6Groups = groups.Count == starts.Length ? [] : [.. groups];
    }

    /// <param name="address">4 or 16 bytes in network order.</param>
    /// <returns>The target of the longest matching prefix, or null.</returns>
    public TTarget? Lookup(ReadOnlySpan<byte> address) => address.Length switch
    {
        4 => LookupV4(BinaryPrimitives.ReadUInt32BigEndian(address)),
        16 => LookupV6(BinaryPrimitives.ReadUInt64BigEndian(address), BinaryPrimitives.ReadUInt64BigEndian(address[8..])),
        _ => null,
    };

    public TTarget? Lookup(IpKey address) => address.IsV6 ? LookupV6((ulong)(address.Bits >> 64), (ulong)address.Bits) : LookupV4((uint)address.Bits);

    /// <summary>The range that holds the address begins at or before it: at the last start ≤ address.</summary>
    private TTarget? LookupV4(uint address)
    {
        var range = _v4Starts.Find(address);
        return range < 0 ? null : _v4Targets[range];
    }

    private TTarget? LookupV6(ulong upper, ulong lower)
    {
        var group = _v6Uppers.Find(upper);
        if (group < 0)
        {
            return null;
        }

        // Of a smaller upper half every lower one is passed already.
        var isSame = _v6Uppers[group] == upper;
        int range;
        if (_v6Groups.Length == 0)
        {
            range = isSame && _v6Ranges[group].Lower > lower ? group - 1 : group;
        }
        else
        {
            ref readonly var ranges = ref _v6Groups[group];
            range = !isSame ? ranges.End - 1
                : ranges.Many is { } many ? ranges.First + many.Find(lower)
                : LastUpTo(lower, ranges.First, ranges.End - 1);
        }

        return range < 0 ? null : _v6Ranges[range].Target;
    }

    private int LastUpTo(ulong lower, int first, int last)
    {
        while (last >= first && _v6Ranges[last].Lower > lower)
        {
            last--;
        }

        return last;
    }

    /// <summary>Sweeps over the prefixes, outer before inner, and notes each address at which the winner changes.</summary>
    private static (UInt128[] Starts, TTarget?[] Targets) Flatten(
        IReadOnlyCollection<KeyValuePair<Prefix, TTarget>> routes, IReadOnlyCollection<Prefix> withheld, bool v6)
    {
        var unique = new SortedDictionary<Prefix, TTarget?>();
        foreach (var prefix in withheld)
        {
            if (prefix.First.IsV6 == v6)
            {
                unique[prefix] = null;
            }
        }

        foreach (var (prefix, target) in routes)
        {
            if (prefix.First.IsV6 == v6)
            {
                unique[prefix] = target;
            }
        }

        var starts = new List<UInt128>(unique.Count * 2);
        var targets = new List<TTarget?>(unique.Count * 2);
        var open = new Stack<KeyValuePair<Prefix, TTarget?>>();
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
