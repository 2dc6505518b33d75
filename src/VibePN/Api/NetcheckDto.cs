namespace VibePN.Api;

/// <summary>What <c>vibepn netcheck</c> says of the way between this host and its peers.</summary>
public sealed record NetcheckDto
{
    /// <summary>The worst of the steps: with <c>error</c>, no peer can be reached.</summary>
    public FindingSeverity Severity { get; init; }

    /// <summary>In one sentence.</summary>
    public required string Answer { get; init; }

    public NatKind Nat { get; init; }

    /// <summary>A peer has dialed this host from outside of its own networks. Null: none has so far, which proves nothing.</summary>
    public bool? Reachable { get; init; }

    /// <summary>Of this host, outside of the tunnels, loopback and link-local ones left out.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Bound UDP addresses of the daemon.</summary>
    public IReadOnlyList<string> Listen { get; init; } = [];

    public IReadOnlyList<SeenDto> Seen { get; init; } = [];

    /// <summary>What was looked at, in a fixed order.</summary>
    public IReadOnlyList<FindingDto> Steps { get; init; } = [];
}

/// <summary>How a connected peer sees this host.</summary>
public sealed record SeenDto
{
    public required string Peer { get; init; }

    /// <summary>Where the peer is reached.</summary>
    public string? Address { get; init; }

    /// <summary>The address and port from which our datagrams come there.</summary>
    public required string SeenAs { get; init; }

    /// <summary>A translator on the way has changed it.</summary>
    public bool Translated { get; init; }

    public double? RttMillis { get; init; }

    public int? MtuBytes { get; init; }
}
