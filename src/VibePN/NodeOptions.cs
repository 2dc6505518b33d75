using VibePN.Config;
using VibePN.Identity;
using VibePN.Quic;

namespace VibePN;

/// <summary>What a node is made of.</summary>
internal sealed record NodeOptions
{
    public required NodeConfig Config { get; init; }

    public required NodeIdentity Identity { get; init; }

    /// <summary>Outlives the node.</summary>
    public required QuicCredentials Credentials { get; init; }

    public NodeMemory Memory { get; init; } = NodeMemory.Empty;

    /// <summary>The interfaces' indexes, in the order of the config's networks.</summary>
    public required IReadOnlyList<int> InterfaceIndexes { get; init; }

    /// <summary>Random per start of the process.</summary>
    public required Guid BootId { get; init; }

    /// <summary>For jitter; seeded in simulations.</summary>
    public required Random Random { get; init; }

    /// <summary>32 bytes each, the same after a restart.</summary>
    public required ReadOnlyMemory<byte> ResetSecret { get; init; }

    public required ReadOnlyMemory<byte> TokenSecret { get; init; }
}
