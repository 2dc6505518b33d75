using VibePN.Config;
using VibePN.Identity;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN.Api;

/// <summary>Turns a node's snapshot into what the local API answers.</summary>
public static class SnapshotMapper
{
    /// <param name="nowUtc">The wall clock at the snapshot, for what the node knows in time since boot only.</param>
    public static PeersDto Peers(NodeSnapshot snapshot, DateTimeOffset nowUtc) =>
        new() { Peers = [.. snapshot.Peers.Select(peer => Peer(peer, snapshot, nowUtc))], KeptOut = KeptOut(snapshot) };

    public static IReadOnlyList<KeptOutDto> KeptOut(NodeSnapshot snapshot) =>
        [.. snapshot.KeptOut.Select(peer => new KeptOutDto { Name = peer.Name, Id = peer.Id.ToString(), SinceUtc = DateTimeOffset.FromUnixTimeSeconds(peer.SinceUtcSeconds) })];

    public static InviteDto Invite(IssuedInvite invite, DateTimeOffset nowUtc) => new()
    {
        Id = invite.Id.ToString(),
        State = invite.StateAt(nowUtc.ToUnixTimeSeconds()) switch
        {
            InviteState.Used => InviteStatus.Used,
            InviteState.Expired => InviteStatus.Expired,
            InviteState.Revoked => InviteStatus.Revoked,
            _ => InviteStatus.Open,
        },
        Network = invite.Network,
        For = invite.JoinerName,
        Routes = [.. invite.Routes.Select(route => route.ToString())],
        CreatedUtc = DateTimeOffset.FromUnixTimeSeconds(invite.CreatedUtcSeconds),
        ExpiresUtc = DateTimeOffset.FromUnixTimeSeconds(invite.ExpiresUtcSeconds),
        RevokedUtc = invite.RevokedUtcSeconds is { } revoked ? DateTimeOffset.FromUnixTimeSeconds(revoked) : null,
        UsedBy = invite.UsedBy?.ToString(),
        UsedAs = invite.UsedName,
        UsedUtc = invite.UsedUtcSeconds is { } used ? DateTimeOffset.FromUnixTimeSeconds(used) : null,
    };

    /// <param name="name">Of a peer in the snapshot.</param>
    /// <param name="nowUtc">As for <see cref="Peers"/>.</param>
    public static PeerHistoryDto PeerHistory(NodeSnapshot snapshot, string name, PeerHistorySnapshot history, DateTimeOffset nowUtc) => new()
    {
        Peer = Peer(snapshot.Peers.First(peer => peer.Name == name), snapshot, nowUtc),
        Events =
        [
            .. history.Events.Select(change => new PeerEventDto
            {
                AtUtc = UtcOf(change.AtNanos, snapshot, nowUtc),
                State = State(change.Condition),
                Reason = change.Reason.Length > 0 ? change.Reason : null,
            }),
        ],
        Samples =
        [
            .. history.Samples.Select(sample => new PathSampleDto
            {
                AtUtc = UtcOf(sample.AtNanos, snapshot, nowUtc),
                RttMillis = sample.RttMicros > 0 ? sample.RttMicros / 1000.0 : null,
                Datagrams = sample.Settled,
                Lost = sample.Lost,
            }),
        ],
    };

    public static RoutesDto Routes(NodeSnapshot snapshot)
    {
        var names = snapshot.Peers.Where(peer => peer.Id is not null).ToDictionary(peer => peer.Id!.Value, peer => peer.Name);
        return new RoutesDto
        {
            Routes =
            [
                .. snapshot.Networks.SelectMany(network => network.OwnAddresses.Select(own => new RouteDto
                {
                    Network = network.Name,
                    Prefix = Prefix.Host(own).ToString(),
                    Source = "own",
                    Used = true,
                    Why = "an address of this node",
                })),
                .. snapshot.Networks.SelectMany(network => network.Routes.OrderBy(route => route.Prefix).Select(route => new RouteDto
                {
                    Network = network.Name,
                    Prefix = route.Prefix.ToString(),
                    Peer = names.GetValueOrDefault(route.Peer) ?? route.Peer.ToString(),
                    Source = CamelCase(route.Source.ToString()),
                    Metric = route.Source == RouteSource.Address ? null : route.Metric,
                    Used = route.IsUsed,
                    StandBy = route.IsStandBy,
                    Former = route.IsFormer,
                    Conflict = route.Conflict,
                    Why = route.Why,
                })),
            ],
        };
    }

    /// <param name="obstacles">By a network's name.</param>
    public static IReadOnlyList<NetworkDto> Networks(NodeSnapshot snapshot, Func<string, TunObstacles> obstacles) =>
    [
        .. snapshot.Networks.Select(network => new NetworkDto
        {
            Name = network.Name,
            Interface = network.Interface,
            Prefixes = [.. network.Prefixes.Select(prefix => prefix.ToString())],
            Addresses = [.. network.OwnAddresses.Select(address => address.ToString())],
            MtuBytes = network.MtuBytes,
            Export = network.Export,
            Offloads = Offloads(obstacles(network.Name)),
        }),
    ];

    public static EndpointDto Endpoint(NodeSnapshot snapshot) => EndpointDto.Of(snapshot.Endpoint);

    /// <summary>Drops by reason, the reasons in camelCase.</summary>
    public static IReadOnlyDictionary<string, long> Drops(IReadOnlyDictionary<DropReason, ulong> drops) =>
        drops.ToDictionary(drop => DropReasons.NameOf(drop.Key), drop => (long)drop.Value);

    public static OffloadsDto Offloads(UdpObstacles obstacles) => new()
    {
        UdpGso = obstacles.Gso is null,
        UdpGsoReason = obstacles.Gso,
        UdpGro = obstacles.Gro is null,
        UdpGroReason = obstacles.Gro,
    };

    private static TunOffloadsDto Offloads(TunObstacles obstacles) => new()
    {
        Tcp = obstacles.Tcp is null,
        TcpReason = obstacles.Tcp,
        Udp = obstacles.Udp is null,
        UdpReason = obstacles.Udp,
    };

    private static PeerDto Peer(PeerSnapshot peer, NodeSnapshot snapshot, DateTimeOffset nowUtc)
    {
        var settled = peer.Quic is { } quic ? quic.DatagramsAcked + quic.DatagramsLost : 0;
        return new PeerDto
        {
            Name = peer.Name,
            Id = peer.Id?.ToString(),
            Key = peer.Key?.ToString(),
            KeyExpiresUtc = peer.KeyEndUtcSeconds is > 0 and <= Identity.Invite.LastUtcSeconds and var end ? DateTimeOffset.FromUnixTimeSeconds(end) : null,
            Trust = peer.Trust switch
            {
                null => null,
                PeerTrust.Invite => PeerTrustSource.Invite,
                PeerTrust.FirstUse => PeerTrustSource.FirstUse,
                PeerTrust.Introduction => PeerTrustSource.Introduction,
                _ => PeerTrustSource.Config,
            },
            IntroducedBy = peer.IntroducedBy,
            Introduces = peer.Introduces,
            IntroductionsRefused = peer.IntroductionsRefused,
            CopiesAt = peer.CopiesAt,
            State = State(peer.Condition),
            Reason = Reason(peer, snapshot.Networks.SelectMany(network => network.Routes).Count(route => route.Peer == peer.Id && route is { IsUsed: false, IsStandBy: false, IsFormer: false })),
            Address = peer.Address,
            SeenAs = peer.ObservedAt?.ToString(),
            Dialed = peer.IsDialer,
            Protocol = peer.Protocol,
            Lacks = peer.Lacks,
            RttMillis = peer.Quic?.SmoothedRtt.TotalMilliseconds,
            EchoMillis = peer.EchoRtt?.TotalMilliseconds,
            UnansweredMillis = peer.Unanswered?.TotalMilliseconds,
            Doubts = peer.Doubts,
            Unresponsive = peer.Unresponsive,
            RoutesRefused = peer.RoutesRefused,
            MtuBytes = peer.MtuBytes,
            MtuState = peer.Quic is { } path ? MtuStateOf(path.PathMtuState, peer.IsPathSizeSettled) : null,
            BlackHoles = peer.Quic?.BlackHoles,
            Queue = new QueueDto
            {
                Bytes = peer.Queue.Bytes,
                Frames = peer.Queue.Frames,
                WaitMillis = peer.Queue.Wait.TotalMilliseconds,
                MaxWaitMillis = peer.Queue.MaxWait.TotalMilliseconds,
                Marked = (long)peer.Queue.Marked,
                DroppedByCoDel = (long)peer.Queue.DroppedByCoDel,
                DroppedFull = (long)peer.Queue.DroppedFull,
            },
            PacketsIn = (long)peer.PacketsIn,
            BytesIn = (long)peer.BytesIn,
            PacketsOut = (long)peer.PacketsOut,
            BytesOut = (long)peer.BytesOut,
            Loss = settled > 0 ? peer.Quic!.Value.DatagramsLost / (double)settled : null,
            Repair = peer.Repair is { } repair ? Repair(repair, snapshot, nowUtc) : null,
            Parity = peer.Parity is { } parity ? Parity(parity) : null,
            Networks = peer.Networks,
            Addresses = [.. peer.Addresses.Select(address => address.ToString())],
            SinceUtc = peer.Id is null ? null : UtcOf(peer.ChangedNanos, snapshot, nowUtc),
        };
    }

    private static MtuState MtuStateOf(PathMtuState state, bool isSettled) => state switch
    {
        PathMtuState.Suspect or PathMtuState.Search => MtuState.Searching,
        PathMtuState.Complete => MtuState.Capped,
        _ => isSettled ? MtuState.Settled : MtuState.Searching,
    };

    /// <summary>What happened at a moment of the time since boot.</summary>
    private static DateTimeOffset UtcOf(ulong nanos, NodeSnapshot snapshot, DateTimeOffset nowUtc) =>
        nowUtc - TimeSpan.FromMicroseconds(((long)snapshot.At.Nanos - (long)nanos) / 1000.0);

    private static PeerState State(PeerCondition condition) => condition switch
    {
        PeerCondition.Up => PeerState.Connected,
        PeerCondition.Dialing => PeerState.Dialing,
        PeerCondition.RefusedByPeer => PeerState.RefusedByPeer,
        PeerCondition.RefusedHere => PeerState.RefusedByUs,
        PeerCondition.Unreachable => PeerState.Unreachable,
        _ => PeerState.Waiting,
    };

    private static RepairDto Repair(RepairSnapshot repair, NodeSnapshot snapshot, DateTimeOffset nowUtc) => new()
    {
        On = repair.IsOn,
        Trial = repair.IsTrial,
        SinceUtc = repair.ChangedNanos == 0 ? null : UtcOf(repair.ChangedNanos, snapshot, nowUtc),
        Loss = repair.Loss,
        Limit = repair.Limit,
        Resent = (long)repair.Resent,
        GivenUp = (long)repair.GivenUp,
        Repaired = (long)repair.Repaired,
        Late = (long)repair.Late,
        Missed = (long)repair.Missed,
        Held = repair.Held,
    };

    private static ParityDto Parity(ParitySnapshot parity) => new()
    {
        Group = parity.Counts.Group == 0 ? null : parity.Counts.Group,
        Loss = parity.Loss,
        CoveredOut = (long)parity.Counts.Covered,
        ParityOut = (long)parity.Counts.Written,
        CoveredIn = (long)parity.Counts.CoveredIn,
        ParityIn = (long)parity.Counts.ParityIn,
        Rebuilt = (long)parity.Counts.Rebuilt,
        Unsolved = (long)parity.Counts.Unsolved,
        Unfit = (long)parity.Counts.Unfit,
    };

    /// <param name="refused">Claims of its present connection that are refused now.</param>
    private static string? Reason(PeerSnapshot peer, int refused)
    {
        var parts = peer.NetworkProblems.Select(problem => $"network {problem.Key}: {problem.Value}").ToList();
        if (peer.CopiesAt is { } copies)
        {
            parts.Insert(0, $"two hosts run with its key, at {copies}");
        }

        if (refused > 0)
        {
            parts.Add(refused == 1 ? "1 claim refused (vibepn routes)" : $"{refused} claims refused (vibepn routes)");
        }

        if (peer.Reason.Length > 0 && parts.Count == 0)
        {
            parts.Add(peer.Reason);
        }

        return parts.Count > 0 ? string.Join("; ", parts) : null;
    }

    private static string CamelCase(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
