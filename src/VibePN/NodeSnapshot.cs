using System.Net;
using VibePN.Peers;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN;

/// <summary>Where a configured peer stands.</summary>
public enum PeerCondition
{
    /// <summary>It has no address here: it has to dial us. Or the next attempt is not due.</summary>
    Waiting,
    Dialing,
    Up,
    RefusedByPeer,
    RefusedHere,
    Unreachable,
}

/// <summary>A node at one moment: immutable, for any thread. Status, metrics and tests are made from it.</summary>
public sealed record NodeSnapshot
{
    public required PeerId Self { get; init; }

    public required string Name { get; init; }

    public required Instant At { get; init; }

    public required Instant StartedAt { get; init; }

    public required int Connections { get; init; }

    public required QuicEndpointStats Endpoint { get; init; }

    /// <summary>Handshakes by result.</summary>
    public required IReadOnlyDictionary<string, long> Handshakes { get; init; }

    public required IReadOnlyDictionary<DropReason, ulong> Drops { get; init; }

    public required IReadOnlyList<NetworkSnapshot> Networks { get; init; }

    public required IReadOnlyList<PeerSnapshot> Peers { get; init; }

    /// <summary>Peers that were removed and that no introduction brings back; oldest first.</summary>
    public IReadOnlyList<Identity.KeptOutPeer> KeptOut { get; init; } = [];
}

public sealed record NetworkSnapshot(
    string Name,
    string Interface,
    int MtuBytes,
    bool Export,
    IReadOnlyList<Prefix> Prefixes,
    IReadOnlyList<IpKey> OwnAddresses,
    IReadOnlyList<Route> Routes,
    IReadOnlyDictionary<DropReason, ulong> Drops);

public sealed record PeerSnapshot
{
    public required string Name { get; init; }

    public required PeerId? Id { get; init; }

    /// <summary>Where it comes from that it is believed; null: it is not yet.</summary>
    public Config.PeerTrust? Trust { get; init; }

    /// <summary>The fingerprint that its connection shows; null: not connected.</summary>
    public PeerId? Key { get; init; }

    /// <summary>The last second of that certificate, Unix; null: not connected.</summary>
    public long? KeyEndUtcSeconds { get; init; }

    public required PeerCondition Condition { get; init; }

    /// <summary>Why, in words; empty when there is nothing to say.</summary>
    public required string Reason { get; init; }

    /// <summary>Where it is connected, or would be dialed.</summary>
    public required string? Address { get; init; }

    public bool? IsDialer { get; init; }

    /// <summary>What is spoken with it (ALPN); null: not connected.</summary>
    public string? Protocol { get; init; }

    /// <summary>What that protocol cannot do, in words.</summary>
    public IReadOnlyList<string> Lacks { get; init; } = [];

    public QuicStats? Quic { get; init; }

    /// <summary>Null: not connected, or the peer cannot do it.</summary>
    public RepairSnapshot? Repair { get; init; }

    /// <summary>Null: not connected, or the peer cannot do it.</summary>
    public ParitySnapshot? Parity { get; init; }

    /// <summary>The largest IP packet that fits one datagram.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>Where the peer sees us.</summary>
    public IPEndPoint? ObservedAt { get; init; }

    public ulong PacketsIn { get; init; }

    public ulong BytesIn { get; init; }

    public ulong PacketsOut { get; init; }

    public ulong BytesOut { get; init; }

    public int QueueBytes { get; init; }

    public QueueSnapshot Queue { get; init; }

    /// <summary>Discovery of the path's packet size is under way, or its result not taken into use yet.</summary>
    public bool IsPathSizeSettled { get; init; }

    public int DialAttempts { get; init; }

    /// <summary>For how long packets to it have gone unanswered; null: they are answered, or there are none.</summary>
    public TimeSpan? Unanswered { get; init; }

    /// <summary>Times that packets went unanswered while it was connected.</summary>
    public int Doubts { get; init; }

    /// <summary>Connections that ended because nobody answered on them.</summary>
    public int Unresponsive { get; init; }

    /// <summary>Addresses and routes that it claimed and was refused, each time one was new.</summary>
    public long RoutesRefused { get; init; }

    /// <summary>It may vouch for others.</summary>
    public bool Introduces { get; init; }

    /// <summary>Peers that vouch for it; empty: it is known otherwise.</summary>
    public IReadOnlyList<string> IntroducedBy { get; init; } = [];

    /// <summary>Members that it introduced and that were not taken, each time.</summary>
    public long IntroductionsRefused { get; init; }

    /// <summary>Round trip of the last keepalive, through both nodes; null before the first.</summary>
    public TimeSpan? EchoRtt { get; init; }

    /// <summary>Networks that both are in and that carry packets.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    /// <summary>Where the two hosts are that run with its key, one a copy of the other; null: there is one.</summary>
    public string? CopiesAt { get; init; }

    /// <summary>Networks of the peer's entry that do not, with the reason.</summary>
    public IReadOnlyDictionary<string, string> NetworkProblems { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<IpKey> Addresses { get; init; } = [];

    /// <summary>When it came up or went down, in nanoseconds of CLOCK_BOOTTIME.</summary>
    public ulong ChangedNanos { get; init; }
}

/// <summary>What waits for a peer's congestion window; counts are since the peer was configured.</summary>
/// <param name="Wait">How long the oldest frame has waited.</param>
/// <param name="MaxWait">The longest that a frame waited in the last 5 to 10 s.</param>
/// <param name="Marked">Packets marked CE.</param>
public readonly record struct QueueSnapshot(
    int Bytes,
    int Frames,
    TimeSpan Wait,
    TimeSpan MaxWait,
    ulong Marked,
    ulong DroppedByCoDel,
    ulong DroppedFull);

/// <summary>What became of a peer of late.</summary>
/// <param name="Events">Oldest first, as <paramref name="Samples"/>.</param>
public sealed record PeerHistorySnapshot(IReadOnlyList<PeerEvent> Events, IReadOnlyList<PathSample> Samples);
