using VibePN.Config;
using VibePN.Legacy;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Tag and flags in front of a packet.</summary>
    private const int DataHeaderBytes = 2;

    /// <summary>The node at this moment.</summary>
    public NodeSnapshot Snapshot(Instant now)
    {
        _now = now;
        var drops = new Dictionary<DropReason, ulong>(_strangers.DropsByReason());
        foreach (var (reason, count) in _networks.SelectMany(network => network.Counters.DropsByReason())
            .Concat(_peers.Values.SelectMany(peer => peer.Counters.DropsByReason())))
        {
            drops[reason] = drops.GetValueOrDefault(reason) + count;
        }

        return new NodeSnapshot
        {
            Self = Self,
            Name = _config.Node.Name,
            At = now,
            StartedAt = StartedAt,
            Connections = _endpoint.ConnectionCount,
            Endpoint = _endpoint.Stats,
            Handshakes = new Dictionary<string, long>(_handshakes),
            Drops = drops,
            Networks = [.. _live.Select(SnapshotOf)],
            Peers = [.. _config.Peers.Select(SnapshotOf)],
            KeptOut = [.. _introductions.KeptOut],
        };
    }

    private static NetworkSnapshot SnapshotOf(NodeNetwork network) => new(
        network.Name,
        network.Config.Interface,
        network.MtuBytes,
        network.Config.Export,
        network.Prefixes,
        network.OwnAddresses,
        [.. network.Routes.Routes],
        network.Counters.DropsByReason());

    private PeerSnapshot SnapshotOf(PeerConfig entry)
    {
        if (!_peersByName.TryGetValue(entry.Name, out var peer))
        {
            return new PeerSnapshot
            {
                Name = entry.Name,
                Id = null,
                Condition = PeerCondition.Waiting,
                Reason = "the config has no fingerprint for it",
                Address = AddressText(entry),
            };
        }

        var (condition, reason) = ConditionOf(peer);
        var snapshot = new PeerSnapshot
        {
            Name = entry.Name,
            Id = peer.IsUnseen ? null : peer.Id,
            Trust = entry.Fingerprint is null ? null : entry.Trust,
            Condition = condition,
            Reason = reason,
            Address = AddressText(entry),
            ObservedAt = peer.ObservedAt,
            PacketsIn = peer.Counters.PacketsIn,
            BytesIn = peer.Counters.BytesIn,
            PacketsOut = peer.Counters.PacketsOut,
            BytesOut = peer.Counters.BytesOut,
            QueueBytes = peer.Queue.Bytes,
            Queue = SnapshotOf(peer.Queue),
            DialAttempts = peer.Attempts,
            Doubts = peer.Doubts,
            Unresponsive = peer.Unresponsive,
            RoutesRefused = peer.RoutesRefused,
            Introduces = entry.Introduces,
            IntroducedBy = entry.IntroducedBy,
            IntroductionsRefused = peer.IntroductionsRefused,
            CopiesAt = peer.CopiesAt(_now.Nanos),
            ChangedNanos = peer.ChangedNanos,
        };
        if (peer.Active is not { } link)
        {
            return snapshot;
        }

        return snapshot with
        {
            Address = PathText(link.Quic),
            IsDialer = link.Quic.IsDialer,
            Key = link.Lineage?.Current,
            KeyEndUtcSeconds = link.CertificateEndUtcSeconds,
            Protocol = link.Quic.Alpn,
            Lacks = link.Legacy is null ? [] : LegacySession.Lacks,
            Unanswered = link.IsInDoubt(_now.Nanos) && link.AwaitingSinceNanos > 0 ? TimeSpan.FromMicroseconds((_now.Nanos - link.AwaitingSinceNanos) / 1000.0) : null,
            Quic = link.Quic.GetStats(),
            Repair = RepairOf(link),
            Parity = ParityOf(link, _now.Nanos),
            EchoRtt = link.Session.EchoRtt == TimeSpan.Zero ? null : link.Session.EchoRtt,
            MtuBytes = _live.Where(network => link.SendTags[network.Index] != 0).Select(network => CarriedBytes(link, network))
                .DefaultIfEmpty(Math.Max(0, link.Quic.MaxDatagramBytes - DataHeaderBytes)).Min(),
            IsPathSizeSettled = _now.Nanos >= link.CreatedNanos + PathSizeSettledNanos,
            Networks = [.. _live.Where(network => link.SendTags[network.Index] != 0).Select(network => network.Name)],
            NetworkProblems = _live
                .Where(network => link.SendTags[network.Index] == 0 && entry.Networks.Contains(network.Name))
                .ToDictionary(network => network.Name, network => link.NetworkProblems[network.Index] ?? "the peer does not share it with us"),
            Addresses =
            [
                .. _live.SelectMany(network => network.Routes.Routes)
                    .Where(route => route.Peer == peer.Id && route.IsUsed && route.Prefix.IsHost)
                    .Select(route => route.Prefix.First),
            ],
        };
    }

    /// <summary>Where an entry is dialed; null: it dials us.</summary>
    private static string? AddressText(PeerConfig entry) => entry.Address is null ? null : string.Join(", ", entry.DialAddresses);

    /// <summary>What became of a configured peer of late; null: there is none of that name.</summary>
    public PeerHistorySnapshot? History(string peer) =>
        _peersByName.TryGetValue(peer, out var known) ? new PeerHistorySnapshot([.. known.History.Events], [.. known.History.Samples])
        : _config.Peers.Any(entry => entry.Name == peer) ? new PeerHistorySnapshot([], [])
        : null;

    private QueueSnapshot SnapshotOf(FairQueue queue) => new(
        queue.Bytes,
        queue.Count,
        Time(queue.WaitNanos(_now.Nanos)),
        Time(queue.MaxWaitNanos(_now.Nanos)),
        queue.Marked,
        queue.DroppedByCoDel,
        queue.DroppedFull);

    private static TimeSpan Time(ulong nanos) => TimeSpan.FromTicks((long)(nanos / 100));

    /// <summary>To be called wherever <see cref="ConditionOf"/> may say something new that is worth remembering.</summary>
    private void NoteCondition(Peer peer)
    {
        var (condition, reason) = ConditionOf(peer);
        peer.History.Note(condition, reason, _now.Nanos);
    }

    private (PeerCondition Condition, string Reason) ConditionOf(Peer peer) => peer switch
    {
        { Active: { } link } when link.IsInDoubt(_now.Nanos) => (PeerCondition.Up, "no answer; trying new connections beside it"),
        { Active: not null } => (PeerCondition.Up, ""),
        { LastFailure: DialFailure.RefusedByPeer } => (PeerCondition.RefusedByPeer, peer.LastFailureText),
        { LastFailure: DialFailure.WrongIdentity } => (PeerCondition.RefusedHere, peer.LastFailureText),
        { LastFailure: DialFailure.Timeout or DialFailure.Unreachable } => (PeerCondition.Unreachable, peer.LastFailureText),
        { Config.Address: null } => (PeerCondition.Waiting, peer.LastFailureText.Length > 0 ? peer.LastFailureText : WaitingText()),
        { IsDialing: true } or { IsResolving: true } => (PeerCondition.Dialing, peer.LastFailureText),
        _ => (PeerCondition.Waiting, peer.LastFailureText),
    };
}
