using VibePN.Quic;

namespace VibePN;

/// <summary>Parity on a connection at one moment.</summary>
public sealed record ParitySnapshot
{
    /// <summary>The loss on the way to the peer, with what was made good from parity: 0 to 1.</summary>
    public required double Loss { get; init; }

    public required ParityStats Counts { get; init; }
}
