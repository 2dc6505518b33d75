using VibePN.Identity;
using VibePN.Quic;

namespace VibePN.Metrics;

/// <summary>All that one scrape tells: the node at one moment, and its process.</summary>
public sealed record NodeSample
{
    public required NodeSnapshot Node { get; init; }

    /// <summary>Of VibePN.</summary>
    public required string Version { get; init; }

    public string? Ngtcp2 { get; init; }

    public string? GnuTls { get; init; }

    public long ResidentBytes { get; init; }

    /// <summary>Managed bytes that the packet thread has allocated.</summary>
    public long LoopAllocatedBytes { get; init; }

    public long LoopTurns { get; init; }

    /// <summary>Last second of the own certificate, since 1970-01-01 UTC; null: unknown.</summary>
    public long? CertificateNotAfterUtcSeconds { get; init; }

    /// <summary>For <see cref="CertificateNotAfterUtcSeconds"/>; the libraries are loaded.</summary>
    public static long? NotAfterOf(NodeIdentity identity) =>
        CertificateInfo.TryRead(identity.CertificateDer.Span, out var info) && info.NotAfterUtcSeconds >= 0 ? info.NotAfterUtcSeconds : null;
}
