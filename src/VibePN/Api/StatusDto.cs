namespace VibePN.Api;

/// <summary>Answer of <c>GET /v1/status</c>: the node at one moment. Counters run from the daemon's start.</summary>
public sealed record StatusDto
{
    /// <summary>Of VibePN.</summary>
    public required string Version { get; init; }

    public required string Name { get; init; }

    /// <summary>First fingerprint, 64 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Fingerprint of the key in use: <see cref="Id"/>, or a successor of it.</summary>
    public string? Key { get; init; }

    /// <summary>Until when the certificate of that key holds.</summary>
    public DateTimeOffset? KeyExpiresUtc { get; init; }

    /// <summary>Until when peers take the key before as well; absent: there is none, or that is over.</summary>
    public DateTimeOffset? OldKeyUntilUtc { get; init; }

    public int Pid { get; init; }

    public DateTimeOffset StartedUtc { get; init; }

    public double UptimeSeconds { get; init; }

    /// <summary>The process's resident memory (<c>VmRSS</c>).</summary>
    public long ResidentBytes { get; init; }

    /// <summary>The config file in force.</summary>
    public string? Config { get; init; }

    /// <summary>Until when the config in force has to be confirmed, or it is undone; absent: it has not.</summary>
    public DateTimeOffset? ConfirmByUtc { get; init; }

    /// <summary>Bound UDP addresses, with the real port where the config says 0.</summary>
    public IReadOnlyList<string> Listen { get; init; } = [];

    /// <summary>Where metrics are served, with the real port where the config says 0; absent: off, or the address could not be had (a warning says why).</summary>
    public string? Metrics { get; init; }

    /// <summary>What seals packets, such as <c>AES-128-GCM (GnuTLS)</c>.</summary>
    public string? PacketProtection { get; init; }

    /// <summary>Of the UDP socket; each network has its own for its interface.</summary>
    public OffloadsDto Offloads { get; init; } = new();

    public LibrariesDto Libraries { get; init; } = new();

    public LoopDto Loop { get; init; } = new();

    /// <summary>QUIC connections that exist, in any state.</summary>
    public int Connections { get; init; }

    /// <summary>What came to the UDP port, strangers' packets too.</summary>
    public EndpointDto Endpoint { get; init; } = new();

    /// <summary>Attempts to connect by result: <c>dialed</c>, <c>up</c>, <c>refused</c>, <c>refusedByPeer</c>, <c>timedOut</c> and the like.</summary>
    public IReadOnlyDictionary<string, long> Handshakes { get; init; } = new Dictionary<string, long>();

    /// <summary>Packets dropped, by reason; reasons that never occurred may be left out.</summary>
    public IReadOnlyDictionary<string, long> Drops { get; init; } = new Dictionary<string, long>();

    public IReadOnlyList<NetworkDto> Networks { get; init; } = [];

    public IReadOnlyList<PeerDto> Peers { get; init; } = [];

    /// <summary>Peers that were removed and that no introduction brings back; oldest first.</summary>
    public IReadOnlyList<KeptOutDto> KeptOut { get; init; } = [];

    /// <summary>What an operator should know: a fallback in use, a metrics address taken by others.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
