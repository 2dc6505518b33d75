namespace VibePN.Identity;

/// <summary>A node's fingerprints, the first one first; each but the last signed for the next (<see cref="LineageProof"/>). Immutable.</summary>
public sealed class Lineage
{
    /// <summary>Rotations that a chain can show.</summary>
    public const int MaxSuccessions = 8;

    private readonly PeerId[] _members;
    private readonly long[] _ends;

    /// <param name="members">At least one, no two alike.</param>
    /// <param name="overlapEnds">One for each member but the last.</param>
    /// <exception cref="FormatException">They are not.</exception>
    public Lineage(IReadOnlyList<PeerId> members, IReadOnlyList<long> overlapEnds)
    {
        if (members.Count is < 1 or > MaxSuccessions + 1 || overlapEnds.Count != members.Count - 1 || members.Distinct().Count() != members.Count)
        {
            throw new FormatException("this is no lineage");
        }

        _members = [.. members];
        _ends = [.. overlapEnds];
    }

    public static Lineage Of(PeerId only) => new([only], []);

    /// <summary>Who the node is, whatever key it has now.</summary>
    public PeerId First => _members[0];

    public PeerId Current => _members[^1];

    public IReadOnlyList<PeerId> Members => _members;

    /// <summary>By member but the last: the last second, Unix, in which its key holds.</summary>
    public IReadOnlyList<long> OverlapEnds => _ends;

    public bool Has(PeerId id) => Array.IndexOf(_members, id) >= 0;

    /// <summary>Whether this is all of another one, and more.</summary>
    public bool Extends(Lineage other) => _members.Length > other._members.Length && _members.AsSpan().StartsWith(other._members);

    /// <summary>Whether one is the beginning of the other, or both are the same: then they may be one node's.</summary>
    public bool Agrees(Lineage other)
    {
        int common = Math.Min(_members.Length, other._members.Length);
        return _members.AsSpan(0, common).SequenceEqual(other._members.AsSpan(0, common));
    }

    /// <summary>The last second, Unix, in which a member's key holds; null: it is the current one, or no member.</summary>
    public long? EndOf(PeerId member)
    {
        int index = Array.IndexOf(_members, member);
        return index >= 0 && index < _ends.Length ? _ends[index] : null;
    }

    /// <summary>Whether a member's key no longer holds. False for what is no member.</summary>
    public bool IsOver(PeerId member, long nowUtcSeconds) => nowUtcSeconds > EndOf(member);

    public override string ToString() => string.Join(" → ", _members);
}
