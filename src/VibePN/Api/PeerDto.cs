namespace VibePN.Api;

/// <summary>A configured peer. Counters cover its present connection; they are zero without one.</summary>
public sealed record PeerDto
{
    public required string Name { get; init; }

    /// <summary>First fingerprint; null: the config has none, and it has not been seen yet.</summary>
    public string? Id { get; init; }

    /// <summary>Fingerprint of the key that its present connection shows; null: not connected.</summary>
    public string? Key { get; init; }

    /// <summary>Until when the certificate of that key holds.</summary>
    public DateTimeOffset? KeyExpiresUtc { get; init; }

    /// <summary>Where it comes from that it is believed; null: it is not yet.</summary>
    public PeerTrustSource? Trust { get; init; }

    /// <summary>Names of the peers that vouch for it; empty: it is known otherwise.</summary>
    public IReadOnlyList<string> IntroducedBy { get; init; } = [];

    /// <summary>Its entry lets it introduce others.</summary>
    public bool Introduces { get; init; }

    /// <summary>Members that it introduced and that were not taken, each time.</summary>
    public long IntroductionsRefused { get; init; }

    /// <summary>Where the two hosts are that run with its key, one a copy of the other, by what was seen in the last five minutes. Null: there is one.</summary>
    public string? CopiesAt { get; init; }

    public PeerState State { get; init; }

    /// <summary>Why it is in this state, when the state does not say it all.</summary>
    public string? Reason { get; init; }

    /// <summary>Where it is reached, or would be dialed.</summary>
    public string? Address { get; init; }

    /// <summary>Where it sees us: the address and port from which our datagrams come there. Null: it has not said.</summary>
    public string? SeenAs { get; init; }

    /// <summary>Who dialed: true, we did.</summary>
    public bool? Dialed { get; init; }

    /// <summary>The protocol spoken with it: vibepn/1, or vibepn/0.1 of the daemons of before. Null: not connected.</summary>
    public string? Protocol { get; init; }

    /// <summary>What that protocol cannot do, in words.</summary>
    public IReadOnlyList<string> Lacks { get; init; } = [];

    public double? RttMillis { get; init; }

    /// <summary>Round trip of the last keepalive, through both nodes. Null: none was answered yet.</summary>
    public double? EchoMillis { get; init; }

    /// <summary>For how long packets to it have gone unanswered. Null: they are answered, or there are none.</summary>
    public double? UnansweredMillis { get; init; }

    /// <summary>Times that packets went unanswered while it was connected; new connections were tried beside the old one then.</summary>
    public int Doubts { get; init; }

    /// <summary>Connections that ended because nobody answered keepalives on them.</summary>
    public int Unresponsive { get; init; }

    /// <summary>Addresses and routes that it claimed and was refused, each time one was new.</summary>
    public long RoutesRefused { get; init; }

    /// <summary>The largest IP packet that its path carries whole.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>What is known of that size; null: not connected.</summary>
    public MtuState? MtuState { get; init; }

    /// <summary>Times that the path of this connection was found to lose what it had carried.</summary>
    public int? BlackHoles { get; init; }

    /// <summary>What waits for it here.</summary>
    public QueueDto Queue { get; init; } = new();

    /// <summary>In: from the peer. IP packets and their bytes.</summary>
    public long PacketsIn { get; init; }

    public long BytesIn { get; init; }

    public long PacketsOut { get; init; }

    public long BytesOut { get; init; }

    /// <summary>Of the datagrams sent to it and settled, the share that was lost: 0 to 1. Null: none settled yet.</summary>
    public double? Loss { get; init; }

    /// <summary>Null: not connected, or the peer cannot do it.</summary>
    public RepairDto? Repair { get; init; }

    /// <summary>Null: not connected, or the peer cannot do it.</summary>
    public ParityDto? Parity { get; init; }

    /// <summary>Networks that both are in.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    /// <summary>Its addresses in those networks.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Since when it is in this state.</summary>
    public DateTimeOffset? SinceUtc { get; init; }
}
