using System.Net;
using VibePN.Config;
using VibePN.Identity;
using VibePN.Routing;

namespace VibePN.Peers;

/// <summary>A configured peer and all that is known of it. Thread: the node's.</summary>
internal sealed class Peer(PeerConfig config, PeerId id, FairQueue queue)
{
    private byte[] _dialToken = [];
    private SteadySize _carried;
    private CopyWatch _copies;

    public PeerConfig Config { get; private set; } = config;

    /// <summary>While <see cref="IsUnseen"/> it only stands for one.</summary>
    public PeerId Id { get; private set; } = id;

    /// <summary>Its first fingerprint as far as known: <see cref="Id"/> may be a later one. Both ends must compare the same.</summary>
    public PeerId First { get; set; } = id;

    /// <summary>By what the config or the memory knows it now; <see cref="Id"/> stays, also when another key of the same node is pinned.</summary>
    public PeerId Pin => Config.Fingerprint ?? Id;

    /// <summary>It is to be trusted on first use, and that has not come yet.</summary>
    public bool IsUnseen { get; set; }

    /// <summary>The invite that it came by in this life of the process, as that was before; null: it was here before, or came otherwise.</summary>
    public IssuedInvite? AdmittedBy { get; set; }

    /// <summary>What has to be on disk before it is told that it is up.</summary>
    public long AdmittedVersion { get; set; }

    public string Name => Config.Name;

    /// <summary>What it may own.</summary>
    public PeerRights Rights { get; private set; } = RightsOf(config, id);

    /// <summary>It is no longer in the config; its connections are being closed.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>Every connection with it, up or not; at most <see cref="Limits.ConnectionsPerPeer"/>.</summary>
    public List<PeerConnection> Connections { get; } = [];

    /// <summary>The ready connection that packets leave on, or null.</summary>
    public PeerConnection? Active { get; set; }

    /// <summary>The connection that the peer's latest packet came on, or null. Not always <see cref="Active"/>: each side chooses for itself.</summary>
    public PeerConnection? Carrier { get; set; }

    /// <summary>Frames that wait for the congestion window of <see cref="Active"/>.</summary>
    public FairQueue Queue { get; } = queue;

    public NodeCounters Counters { get; } = new();

    /// <summary>The process that the peer runs as, by its latest Hello; null: it has not said, or speaks the protocol of before.</summary>
    public Guid? BootId { get; private set; }

    /// <summary>Where the peer sees us, by its latest word.</summary>
    public IPEndPoint? ObservedAt { get; set; }

    /// <summary>Since when <see cref="Active"/> is set, or unset.</summary>
    public ulong ChangedNanos { get; set; }

    /// <summary>Since when its routes may be used rather than those of another peer; 0: they may not.</summary>
    public ulong UsableSinceNanos { get; set; }

    /// <summary>Proves our address to the peer while strangers flood it; empty before it gave us one.</summary>
    public ReadOnlyMemory<byte> DialToken => _dialToken;

    /// <summary>Where to dial; resolved anew for each attempt. Empty: unknown or not resolvable.</summary>
    public IReadOnlyList<IPEndPoint> DialAddresses { get; set; } = [];

    /// <summary>When other addresses that an introducer has named are taken; <see cref="ulong.MaxValue"/>: there are none.</summary>
    public ulong MoveNanos { get; set; } = ulong.MaxValue;

    /// <summary>When such were taken last.</summary>
    public ulong MovedNanos { get; set; }

    /// <summary>Attempts since it was last reached or anything changed.</summary>
    public int Launched { get; set; }

    /// <summary>Where it was connected last; worth a try until <see cref="SeenUntilNanos"/>.</summary>
    public IPEndPoint? SeenAt { get; set; }

    public ulong SeenUntilNanos { get; set; }

    /// <summary>An attempt is under way.</summary>
    public bool IsDialing => Connections.Exists(static link => link.IsAttempt);

    public bool IsResolving { get; set; }

    /// <summary>When the next attempt begins; <see cref="ulong.MaxValue"/>: not now.</summary>
    public ulong NextDialNanos { get; set; } = ulong.MaxValue;

    public DialFailure LastFailure { get; private set; }

    /// <summary>What the last failure says to people.</summary>
    public string LastFailureText { get; private set; } = "";

    /// <summary>Attempts that ended as <see cref="LastFailure"/>, in a row.</summary>
    public int Failures { get; private set; }

    /// <summary>All attempts since the start.</summary>
    public int Attempts { get; set; }

    public bool IsUp => Active is not null;

    /// <summary>Times that its packets went unanswered while it was connected.</summary>
    public int Doubts { get; set; }

    /// <summary>Connections that ended because nobody answered on them.</summary>
    public int Unresponsive { get; set; }

    /// <summary>Claims that were turned down, each time one was new.</summary>
    public long RoutesRefused { get; set; }

    /// <summary>When it may be told of to others, or not any more, after it has changed its mind about that.</summary>
    public ulong AskerNanos { get; set; }

    /// <summary>When others are told where it is now; <see cref="ulong.MaxValue"/>: they know. Not before <see cref="WhereDueNanos"/>.</summary>
    public ulong WhereNanos { get; set; } = ulong.MaxValue;

    public ulong WhereDueNanos { get; set; }

    /// <summary>Members that it introduced and that were not taken, each time.</summary>
    public long IntroductionsRefused { get; set; }

    public LogLimit LogLimit { get; } = new();

    public LogLimit DebugLimit { get; } = new(Limits.DebugLinesPerPeerAndMinute);

    public PeerHistory History { get; } = new();

    /// <summary>The largest IP packet that its path carries whole, as the host is told it; 0: not known yet. Kept while it is away.</summary>
    public int CarriedBytes => _carried.Bytes;

    public ulong CarriedDueNanos => _carried.DueNanos;

    /// <inheritdoc cref="SteadySize.Observe"/>
    public bool ObserveCarried(int bytes, ulong nowNanos) => _carried.Observe(bytes, nowNanos);

    /// <summary>Its Hello: as which process it runs, and where.</summary>
    /// <param name="process">Null: the protocol of before does not tell.</param>
    /// <returns>Whether that is another process than before, and whether it has just turned out that two hosts run with the peer's key.</returns>
    public (bool IsOther, bool IsCopied) Meet(Guid? process, IPEndPoint? at, ulong nowNanos)
    {
        var isOther = process is not null && BootId is not null && process != BootId;
        BootId = process;
        return (isOther, process is { } known && _copies.Meet(known, at, nowNanos));
    }

    /// <summary>Where the two hosts are that run with its key; null: there is one.</summary>
    public string? CopiesAt(ulong nowNanos) => _copies.At(nowNanos);

    /// <summary>Takes a changed entry of the same node.</summary>
    public void Configure(PeerConfig changed)
    {
        if (!changed.Addresses.SequenceEqual(Config.Addresses) || !changed.AllowRoutes.SequenceEqual(Config.AllowRoutes))
        {
            Rights = RightsOf(changed, Id);
        }

        Config = changed;
    }

    /// <summary>It was seen for the first time.</summary>
    public void Identify(PeerConfig pinned, PeerId seen)
    {
        Id = seen;
        First = seen;
        IsUnseen = false;
        Config = pinned;
        Rights = RightsOf(pinned, seen);
    }

    /// <summary>Keeps a token for the next attempt.</summary>
    /// <returns>False: it is longer than a token has reason to be.</returns>
    public bool TryKeepToken(ReadOnlySpan<byte> token)
    {
        if (token.Length > Limits.DialTokenBytes)
        {
            return false;
        }

        _dialToken = token.ToArray();
        return true;
    }

    public void Fail(DialFailure failure, string text)
    {
        Failures = failure == LastFailure ? Failures + 1 : 1;
        LastFailure = failure;
        LastFailureText = text;
    }

    public void Succeed()
    {
        Failures = 0;
        LastFailure = DialFailure.None;
        LastFailureText = "";
    }

    /// <summary>Whether what the peer says is worth one more line: it must not be able to fill the log.</summary>
    public bool MayLog(ulong nowNanos) => LogLimit.MayLog(nowNanos);

    private static PeerRights RightsOf(PeerConfig config, PeerId id) => new(
        id,
        [.. config.Addresses.Select(IpKey.FromIPAddress)],
        [.. config.AllowRoutes.Select(Prefix.FromIPNetwork)]);
}
