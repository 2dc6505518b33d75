using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>A node's fingerprints, the first one first; each but the last signed for the next. Immutable.</summary>
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

    /// <summary>Whether a member's key no longer holds. False for what is no member.</summary>
    public bool IsOver(PeerId member, long nowUtcSeconds)
    {
        int index = Array.IndexOf(_members, member);
        return index >= 0 && index < _ends.Length && nowUtcSeconds > _ends[index];
    }

    /// <summary>Reads what a chain shows, and checks every signature.</summary>
    /// <param name="current">The fingerprint of the first certificate.</param>
    /// <param name="statements">The certificates behind it, DER; those that are no succession are skipped.</param>
    /// <returns>Null: a succession proves nothing, or there are more than <see cref="MaxSuccessions"/>.</returns>
    public static Lineage? Read(PeerId current, IReadOnlyList<byte[]> statements)
    {
        List<Succession> successions = [];
        foreach (byte[] statement in statements)
        {
            if (SuccessionStatement.Find(statement, out bool isBroken) is { } one)
            {
                successions.Add(one);
            }

            if (isBroken || successions.Count > MaxSuccessions)
            {
                return null;
            }
        }

        PeerId[] members = [.. successions.Select(one => PeerId.OfCertificate(one.OldCertificate.Span)), current];
        if (members.Distinct().Count() != members.Length)
        {
            return null;
        }

        for (int i = 0; i < successions.Count; i++)
        {
            if (!successions[i].IsProof(members[i + 1]))
            {
                return null;
            }
        }

        return new Lineage(members, [.. successions.Select(one => one.OverlapEndUtcSeconds)]);
    }

    /// <summary>As above, of what a peer presents.</summary>
    public static Lineage? Read(PeerId current, CertificateChain chain)
    {
        byte[][] statements = new byte[Math.Max(0, chain.Count - 1)][];
        for (int i = 0; i < statements.Length; i++)
        {
            statements[i] = chain[i + 1].ToArray();
        }

        return statements.Length == 0 ? Of(current) : statements.Length > QuicCredentials.MaxChainCertificates ? null : Read(current, statements);
    }

    public override string ToString() => string.Join(" → ", _members);
}
