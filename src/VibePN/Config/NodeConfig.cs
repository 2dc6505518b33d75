namespace VibePN.Config;

/// <summary>A checked config file: names are unique, references resolve, prefixes do not overlap. Immutable.</summary>
public sealed record NodeConfig
{
    /// <summary>The file it came from, absolute.</summary>
    public required string Path { get; init; }

    public required IdentityConfig Identity { get; init; }

    public required NodeSettings Node { get; init; }

    public TuningSettings Tuning { get; init; } = new();

    /// <summary>In the file's order.</summary>
    public required IReadOnlyList<PeerConfig> Peers { get; init; }

    /// <summary>In the file's order; at least one.</summary>
    public required IReadOnlyList<NetworkConfig> Networks { get; init; }

    /// <summary>What loads but hardly does what was meant: worth a log line at start.</summary>
    public IReadOnlyList<ConfigError> Warnings { get; init; } = [];
}
