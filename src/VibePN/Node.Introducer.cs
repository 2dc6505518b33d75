// Introductions, the introducer's role: whom this node tells of whom (docs/protocol.md, Introductions).
using System.Net;
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Peers;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Between two words of one peer on whether it asks: each costs a telling of all members, or a change for all.</summary>
    private const ulong AskerIntervalNanos = 10_000_000_000;

    /// <summary>Bytes of members that one peer is told in one interval: far below what its control stream holds back.</summary>
    private const int MemberBytesAtOnce = 64 * 1024;

    /// <summary>Bytes of members in one message, by a rough count.</summary>
    private const int MemberBytesPerMessage = 8 * 1024;

    /// <summary>By their first fingerprints: of whom there is something new to tell.</summary>
    private readonly HashSet<PeerId> _toldOf = [];

    /// <summary>When peers are told of others; <see cref="ulong.MaxValue"/>: there is nothing new.</summary>
    private ulong _tellMembersNanos = ulong.MaxValue;

    private ulong _membersToldNanos;

    private bool _tellsOfAll;

    /// <summary>
    /// Tells every peer that has asked of all others that have: nobody is introduced without wanting it, and nobody on the word of a third
    /// node. What a connection has been told already is not repeated; where little has changed nothing else is looked at.
    /// </summary>
    private void TellMembers()
    {
        _tellMembersNanos = ulong.MaxValue;
        _membersToldNanos = _now.Nanos;
        foreach (var link in _peers.Values.SelectMany(peer => peer.Connections).Where(link => link.IsReady && link.Introductions.PeerSays is not null))
        {
            HearAsker(link);
        }

        // Who is left out for there being too many may take the place of one that goes.
        var isAll = _tellsOfAll || _introductions.Askers > Limits.IntroducedPerNetwork;
        var changed = _toldOf.ToHashSet();
        _tellsOfAll = false;
        _toldOf.Clear();
        List<Member>? members = null;
        List<Member>? some = null;
        foreach (var peer in _peers.Values)
        {
            foreach (var link in peer.Connections)
            {
                if (link is not { IsReady: true, Legacy: null, Introductions.PeerAsks: true })
                {
                    continue;
                }

                if (isAll || link.Introductions.IsStale)
                {
                    members ??= [.. _peers.Values.Where(IsMember).Select(member => new Member(member, EndPointsOf(member)))];
                    Tell(link, IsMember(peer) ? members : [], changed: null);
                }
                else if (changed.Count > 0)
                {
                    some ??= [.. _peers.Values.Where(member => IsMember(member) && changed.Contains(FirstOf(member.Id))).Select(member => new Member(member, EndPointsOf(member)))];
                    Tell(link, IsMember(peer) ? some : [], changed);
                }
            }
        }
    }

    /// <summary>
    /// Takes a peer's word that it asks, or asks no more, at its time: of a connection the first at once, and a further one, or another one of
    /// the same peer, every 10 s. It has forgotten what it was told, or will.
    /// </summary>
    private void HearAsker(PeerConnection link)
    {
        var (peer, state) = (link.Peer!, link.Introductions);
        var asks = state.PeerSays!.Value;
        var isNews = peer.Config.Trust != PeerTrust.Introduction && _introductions.IsAsker(peer.Id) != asks;
        var due = Math.Max(state.HearNanos, isNews ? peer.AskerNanos : 0);
        state.PeerAsks &= asks;
        if (due > _now.Nanos)
        {
            ScheduleTelling(due);
            return;
        }

        state.PeerSays = null;
        state.HearNanos = _now.Nanos + AskerIntervalNanos;
        (state.PeerAsks, state.Told, state.IsComplete, state.IsStale) = (asks, null, false, true);
        if (isNews && _introductions.SetAsker(peer.Id, asks))
        {
            peer.AskerNanos = _now.Nanos + AskerIntervalNanos;
            TrustChanged();
            TellOf(peer);
        }
        else
        {
            TellWhere(peer);
        }
    }

    /// <summary>Something may have changed about any member.</summary>
    private void TellOfAll()
    {
        _tellsOfAll = true;
        ScheduleTelling(_now.Nanos);
    }

    /// <summary>Others are to know where it is now: at once, and again every 10 s. Each of them writes it down.</summary>
    private void TellWhere(Peer peer)
    {
        if (peer.WhereNanos == ulong.MaxValue)
        {
            peer.WhereNanos = Math.Max(_now.Nanos, peer.WhereDueNanos);
            ScheduleControl(peer.WhereNanos);
        }
    }

    private void TellWhereNow(Peer peer)
    {
        (peer.WhereNanos, peer.WhereDueNanos) = (ulong.MaxValue, _now.Nanos + AskerIntervalNanos);
        TellOf(peer);
    }

    /// <summary>Others are to know something new of it, or that it is gone.</summary>
    private void TellOf(Peer peer)
    {
        _ = _toldOf.Add(FirstOf(peer.Id));
        ScheduleTelling(_now.Nanos);
    }

    /// <summary>Other entries may make them members, or none any more, and let them know others.</summary>
    private void TellOf(IEnumerable<Peer> changed)
    {
        foreach (var peer in changed)
        {
            var links = peer.Connections.FindAll(link => link is { IsReady: true, Legacy: null, Introductions.PeerAsks: true });
            links.ForEach(link => link.Introductions.IsStale = true);
            if (links.Count > 0 && peer.Config.Trust != PeerTrust.Introduction && _introductions.SetAsker(peer.Id, asks: true))
            {
                TrustChanged();
            }

            if (_introductions.IsAsker(peer.Id))
            {
                TellOf(peer);
            }
        }
    }

    private void ScheduleTelling(ulong nanos)
    {
        _tellMembersNanos = Math.Min(_tellMembersNanos, Math.Max(nanos, _membersToldNanos + IntroductionIntervalNanos));
        ScheduleControl(_tellMembersNanos);
    }

    private bool IsMember(Peer peer) => peer.Config is { Trust: not PeerTrust.Introduction, Fingerprint: not null } && _introductions.IsAsker(peer.Id);

    /// <param name="changed">Of whom alone <paramref name="members"/> says anything, by their first fingerprints; null: of all.</param>
    private void Tell(PeerConnection link, List<Member> members, HashSet<PeerId>? changed)
    {
        var told = link.Introductions.Told ??= [];
        var counts = new Dictionary<string, int>();
        var wanted = new HashSet<PeerId>();
        List<MemberOffer> some = [];
        var (bytes, allBytes, isComplete) = (0, 0, true);
        foreach (var one in members)
        {
            var (member, endPoints) = (one.Peer, one.EndPoints);
            List<string> networks = [.. _live.Where(network => member != link.Peer && IsShared(member, network) && IsShared(link.Peer!, network)).Select(network => network.Name)];
            if (networks.Count == 0 || networks.Exists(network => counts.GetValueOrDefault(network) == Limits.IntroducedPerNetwork))
            {
                continue;
            }

            networks.ForEach(network => counts[network] = counts.GetValueOrDefault(network) + 1);
            var id = FirstOf(member.Id);
            _ = wanted.Add(id);
            if (told.TryGetValue(id, out var known) && known.Name == member.Name && known.Networks.SequenceEqual(networks) && known.EndPoints.SequenceEqual(endPoints))
            {
                continue;
            }

            if (allBytes >= MemberBytesAtOnce)
            {
                isComplete = false;
                continue;
            }

            told[id] = new MemberOffer(id, member.Name, networks, endPoints);
            some.Add(told[id]);
            bytes += 64 + (34 * networks.Count) + (20 * endPoints.Count);
            if (bytes >= MemberBytesPerMessage || some.Count == Limits.MembersPerMessage)
            {
                link.Send(new Members(some, [], IsComplete: false));
                allBytes += bytes;
                (some, bytes) = ([], 0);
            }
        }

        var gone = told.Keys.Where(id => !wanted.Contains(id) && changed?.Contains(id) != false).ToList();
        for (var i = 0; i < gone.Count; i += Limits.MembersGonePerMessage)
        {
            link.Send(new Members([], gone.GetRange(i, Math.Min(Limits.MembersGonePerMessage, gone.Count - i)), IsComplete: false));
        }

        gone.ForEach(id => told.Remove(id));

        var isNews = isComplete && !link.Introductions.IsComplete;
        if (some.Count > 0 || isNews)
        {
            link.Send(new Members(some, [], isNews));
        }

        link.Introductions.IsComplete |= isComplete;
        link.Introductions.IsStale = !isComplete;
        if (!isComplete)
        {
            // The rest in the next interval.
            ScheduleTelling(_now.Nanos);
        }
    }

    /// <summary>Where others may find it: where it is or was connected, and what its entry says. No names: whoever is told would ask the DNS for them.</summary>
    private IReadOnlyList<IPEndPoint> EndPointsOf(Peer peer)
    {
        IPEndPoint?[] seen = [peer.Active?.RemoteEndPoint ?? peer.SeenAt];
        return DialableAddress.Filter(seen.OfType<IPEndPoint>().Concat(Literals(peer.Config)), [.. _config.Networks.SelectMany(network => network.Prefixes)]);
    }

    /// <summary>One who may be told of.</summary>
    private sealed class Member(Peer peer, IReadOnlyList<IPEndPoint> endPoints)
    {
        public Peer Peer { get; } = peer;

        public IReadOnlyList<IPEndPoint> EndPoints { get; } = endPoints;
    }
}
