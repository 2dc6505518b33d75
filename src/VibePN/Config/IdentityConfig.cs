namespace VibePN.Config;

/// <summary>Where the node's certificate and key are.</summary>
public sealed record IdentityConfig
{
    /// <summary>PEM, absolute.</summary>
    public required string CertPath { get; init; }

    /// <summary>PEM, absolute; 0600 or the daemon refuses.</summary>
    public required string KeyPath { get; init; }

    /// <summary>What the certificate must be: any member of the own lineage. Null: not checked.</summary>
    public PeerId? Fingerprint { get; init; }
}
