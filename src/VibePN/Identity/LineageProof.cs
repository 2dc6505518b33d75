using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>
/// What a certificate chain says of a node's keys, and whether it proves that. Reading costs little; the certificates and signatures are looked
/// at when <see cref="IsProven"/> is asked first: only of who is known, never of strangers. Each key but the first names the one before in its
/// own certificate, so what was before a fingerprint is part of it; and each but the last signs for the next.
/// </summary>
public sealed class LineageProof
{
    private readonly byte[] _current;
    private readonly List<Succession> _successions;
    private bool? _isProven;

    private LineageProof(byte[] current, List<Succession> successions, Lineage lineage)
    {
        _current = current;
        _successions = successions;
        Lineage = lineage;
    }

    /// <summary>As the chain says.</summary>
    public Lineage Lineage { get; }

    /// <summary>Somebody has asked <see cref="IsProven"/>.</summary>
    public bool IsChecked => _isProven is not null;

    public bool IsProven => _isProven ??= Check();

    /// <param name="current">The first certificate, DER.</param>
    /// <param name="statements">The certificates behind it, DER; those that are no succession are skipped.</param>
    /// <returns>Null: a succession cannot be read, a key is there twice, or there are more than <see cref="Lineage.MaxSuccessions"/>.</returns>
    public static LineageProof? Read(ReadOnlySpan<byte> current, IReadOnlyList<byte[]> statements)
    {
        List<Succession> successions = [];
        foreach (byte[] statement in statements)
        {
            if (SuccessionStatement.Find(statement, out bool isBroken) is { } one)
            {
                successions.Add(one);
            }

            if (isBroken || successions.Count > Lineage.MaxSuccessions)
            {
                return null;
            }
        }

        PeerId[] members = [.. successions.Select(one => PeerId.OfCertificate(one.OldCertificate.Span)), PeerId.OfCertificate(current)];
        return members.Distinct().Count() == members.Length
            ? new LineageProof(current.ToArray(), successions, new Lineage(members, [.. successions.Select(one => one.OverlapEndUtcSeconds)]))
            : null;
    }

    /// <summary>As above, of what a peer presents; it has a first certificate.</summary>
    public static LineageProof? Read(CertificateChain chain)
    {
        if (chain.Count - 1 > QuicCredentials.MaxChainCertificates)
        {
            return null;
        }

        byte[][] statements = new byte[chain.Count - 1][];
        for (int i = 0; i < statements.Length; i++)
        {
            statements[i] = chain[i + 1].ToArray();
        }

        return Read(chain[0], statements);
    }

    private bool Check()
    {
        for (int i = 0; i <= _successions.Count; i++)
        {
            ReadOnlySpan<byte> certificate = i < _successions.Count ? _successions[i].OldCertificate.Span : _current;
            if (!SuccessionStatement.TryFindPredecessor(certificate, out PeerId? predecessor) || predecessor != (i == 0 ? null : Lineage.Members[i - 1]))
            {
                return false;
            }
        }

        for (int i = 0; i < _successions.Count; i++)
        {
            if (!_successions[i].IsProof(Lineage.Members[i + 1]))
            {
                return false;
            }
        }

        return true;
    }
}
