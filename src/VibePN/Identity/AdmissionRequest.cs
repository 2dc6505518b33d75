namespace VibePN.Identity;

/// <summary>What the one decision is made from.</summary>
/// <param name="Presented">Of the chain's first certificate; TLS proves that the peer holds its key.</param>
/// <param name="NotBeforeUtcSeconds">Of that certificate: the first second in which it holds.</param>
/// <param name="NotAfterUtcSeconds">The last second in which it holds (RFC 5280 §4.1.2.5 counts both ends).</param>
/// <param name="NowUtcSeconds">Seconds since 1970-01-01 UTC.</param>
/// <param name="DialedPeer">The name of the entry that we dialed; null: the peer dialed us.</param>
public readonly record struct AdmissionRequest(
    PeerId Presented,
    long NotBeforeUtcSeconds,
    long NotAfterUtcSeconds,
    long NowUtcSeconds,
    string? DialedPeer)
{
    /// <summary>The fingerprints that the chain shows, <see cref="Presented"/> last; null: a statement of it cannot be read.</summary>
    public Lineage? Lineage { get; init; } = Lineage.Of(Presented);

    /// <summary>What <see cref="Lineage"/> rests on; looked at only where somebody known is concerned. Null: nothing has to be proven.</summary>
    public LineageProof? Proof { get; init; }

    /// <summary>What a statement behind the certificate proves; null: there is none.</summary>
    public InviteProof? Invite { get; init; }
}
