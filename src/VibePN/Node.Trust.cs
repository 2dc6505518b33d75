// Whom this node believes beside its config file, and who comes with an invite. Node.FirstUse.cs has who answers where it dials for the first time.
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Messages of a joiner that wait until it is written down that it has joined; it sends one or two.</summary>
    private const int MaxHeldMessages = 64;

    /// <summary>Of the config file, with nothing that is remembered.</summary>
    private NodeConfig _file;

    /// <summary>The last one that is for good. By another, which may be undone yet, nothing is forgotten.</summary>
    private NodeConfig _settled;

    private readonly InviteBook _invites;
    private List<RememberedPeer> _remembered;

    /// <summary>Of those peers that have shown successions.</summary>
    private readonly List<Lineage> _lineages;

    /// <summary>Grows with every change of the three above.</summary>
    private long _trustVersion;

    /// <summary>The version that is on disk.</summary>
    private long _trustSaved;

    /// <summary>Joiners that are told that they are up as soon as it is on disk that they have joined.</summary>
    private readonly List<PeerConnection> _admitted = [];

    /// <summary>By the inviter: what this node presents to it until it has joined.</summary>
    private readonly Dictionary<PeerId, QuicCredentials> _joins = [];

    /// <summary>The invites that this node has made, oldest first.</summary>
    public IReadOnlyList<IssuedInvite> Invites => _invites.All;

    private TrustMemory TrustMemory => new(_invites.All, [.. _remembered], _trustVersion) { Lineages = [.. _lineages] };

    /// <summary>Makes an invite. It must be on disk (<see cref="Memory"/>) before anybody is given it.</summary>
    /// <returns>Null, or why not.</returns>
    public string? AddInvite(IssuedInvite invite, Instant now)
    {
        _now = now;
        if (_file.Networks.All(network => network.Name != invite.Network))
        {
            return $"this node is not in a network '{invite.Network}'; it is in {string.Join(", ", _file.Networks.Select(network => network.Name))}";
        }

        if (invite.JoinerName is { } name && _config.Peers.Any(peer => peer.Name == name && peer.Trust != PeerTrust.Introduction))
        {
            return $"there is a peer '{name}' already; choose another name, or take that one out with 'vibepn remove-peer {name}'";
        }

        if (_remembered.Count + _invites.CountOpen(now.UtcSeconds) >= Limits.RememberedPeers)
        {
            return $"{Limits.RememberedPeers} peers are remembered or invited already; 'vibepn remove-peer' and 'vibepn invite --revoke' make room";
        }

        if (!_invites.TryAdd(invite, now.UtcSeconds))
        {
            return $"{Limits.OpenInvites} invites are open already; 'vibepn invite --list' shows them, --revoke makes room";
        }

        TrustChanged();
        return null;
    }

    /// <summary>Takes back an invite that could not be written down.</summary>
    public void ForgetInvite(InviteId id)
    {
        _invites.Forget(id);
        TrustChanged();
    }

    /// <returns>The invite as it is now; null: there is none of this id.</returns>
    public IssuedInvite? RevokeInvite(InviteId id, Instant now)
    {
        _now = now;
        var revoked = _invites.Revoke(id, now.UtcSeconds);
        if (revoked is not null)
        {
            TrustChanged();
        }

        return revoked;
    }

    /// <summary>
    /// Forgets a peer that the config file does not have, and cuts it off; the invite that it came by is of no use to it any more, and whoever
    /// introduces it does so in vain.
    /// </summary>
    /// <returns>False: no peer of this name came with an invite or by introduction.</returns>
    public bool ForgetPeer(string name, Instant now)
    {
        _now = now;
        if (!_peersByName.TryGetValue(name, out var peer) || peer.Config.Trust is not (PeerTrust.Invite or PeerTrust.Introduction))
        {
            return false;
        }

        KeepOut(peer);

        foreach (var invite in _remembered.Where(one => IsOf(one, peer)).Select(one => one.Invite).OfType<InviteId>().ToList())
        {
            _ = _invites.Revoke(invite, now.UtcSeconds);
        }

        _remembered.RemoveAll(one => IsOf(one, peer));
        TrustChanged();
        ApplyKnown();
        return true;
    }

    /// <summary>What is presented to inviters; replaces what was. Who has news for one dials it at once.</summary>
    public void SetJoins(IReadOnlyDictionary<PeerId, QuicCredentials> joins, Instant now)
    {
        _now = now;
        foreach (var gone in _joins.Keys.Where(id => !joins.ContainsKey(id)).ToList())
        {
            _joins.Remove(gone);
        }

        foreach (var (inviter, credentials) in joins)
        {
            if (_joins.TryGetValue(inviter, out var present) && present == credentials)
            {
                continue;
            }

            _joins[inviter] = credentials;
            if (PeerOf(inviter) is { Config.Address: not null } peer)
            {
                if (peer.Active is { } active)
                {
                    // It may know us by less than its invite. What flows goes on meanwhile.
                    active.MoveUntilNanos = _now.Nanos + MoveNanos;
                }

                Supersede(peer, winner: null);
                foreach (var attempt in peer.Connections.Where(link => link.IsAttempt))
                {
                    // It has shown what was there before: that this is refused says nothing.
                    attempt.IsSuperseded = true;
                }

                peer.Succeed();
                StartDialing(peer);
            }
        }
    }

    /// <summary>As whom a peer has invited this node: its entry may name another of its keys. Null: it has not, or that is over.</summary>
    private PeerId? JoinOf(Peer peer)
    {
        foreach (var inviter in _joins.Keys)
        {
            if (PeerOf(inviter) == peer)
            {
                return inviter;
            }
        }

        return null;
    }

    /// <summary>What was to be remembered up to a version is on disk, or cannot be written.</summary>
    public void OnTrustSaved(long version, bool isSaved, Instant now)
    {
        _now = now;
        _trustSaved = isSaved ? Math.Max(_trustSaved, version) : _trustSaved;
        if (!isSaved)
        {
            foreach (var peer in _peers.Values.Where(one => one.AdmittedVersion > _trustSaved && one.AdmittedVersion <= version).ToList())
            {
                TakeBack(peer);
            }
        }

        foreach (var link in _admitted.Where(one => one.Peer!.AdmittedVersion <= version).ToList())
        {
            _admitted.Remove(link);
            Release(link);
        }
    }

    /// <summary>The config in force from the file's and what is remembered.</summary>
    /// <param name="takesIntroductions">
    /// False: within a handshake or message. Peers are not walked through then, and whom it trusts must be peers: members come with the next turn.
    /// </param>
    private void JoinKnown(bool takesIntroductions = false)
    {
        var known = JoinRemembered();
        _config = takesIntroductions ? _introductions.Join(known, Self, LetGo().Select(gone => FirstKnown(gone.Id))) : _introductions.Keep(known, _config);
        _trust = TrustList.Create(_config, Self, _invites, _lineages);
    }

    private NodeConfig JoinRemembered() => KnownPeers.Join(_file, ReferenceEquals(_file, _settled) ? _remembered : KnownPeers.Prune(_file, _remembered, _lineages));

    /// <summary>Whether a peer is the remembered one: it may be known inside by another of its keys, by which it was introduced first.</summary>
    private bool IsOf(RememberedPeer remembered, Peer peer) => FirstKnown(remembered.Id) == FirstKnown(peer.Id);

    /// <summary>The config file in force will not be undone: what is of no use beside it is forgotten, and whom it let go stays out.</summary>
    public void Settle(Instant now)
    {
        _now = now;
        Settle(LetGo());
        PruneLineages();
    }

    private void Settle(List<(PeerId Id, string Name)> gone)
    {
        PruneRemembered();
        PruneIntroductions(gone);
        _settled = _file;
    }

    /// <summary>Whom the file had, by a fingerprint or by first use, and has no more.</summary>
    /// <param name="isStart">What the file was before is not known, but what was seen by it.</param>
    private List<(PeerId Id, string Name)> LetGo(bool isStart = false)
    {
        if (ReferenceEquals(_file, _settled) && !isStart)
        {
            return [];
        }

        HashSet<PeerId> known = [.. JoinRemembered().Peers.Select(peer => peer.Fingerprint).OfType<PeerId>().Select(FirstKnown)];
        List<(PeerId Id, string Name)> gone = [.. _settled.Peers.Where(peer => peer.Fingerprint is not null).Select(peer => (peer.Fingerprint!.Value, peer.Name))];
        gone.AddRange(_remembered
            .Where(one => one.Trust == PeerTrust.FirstUse && !HasUnpinned(_file, one.Name) && (isStart || HasUnpinned(_settled, one.Name)))
            .Select(one => (one.Id, one.Name)));
        gone.RemoveAll(one => known.Contains(FirstKnown(one.Id)));
        return gone;
    }

    private static bool HasUnpinned(NodeConfig file, string name) => file.Peers.Any(peer => peer.Name == name && KnownPeers.IsUnpinned(peer));

    private void TrustChanged()
    {
        _trustVersion++;
        _memoryChanges++;
    }

    /// <summary>
    /// What the file says by itself now, or has no entry for any more, is not kept; nor the invite that it came by: whom the file lets go one day
    /// shall not come back by it.
    /// </summary>
    private void PruneRemembered()
    {
        var kept = KnownPeers.Prune(_file, _remembered, _lineages);
        if (kept.Count == _remembered.Count)
        {
            return;
        }

        foreach (var invite in _remembered.Except(kept).Select(gone => gone.Invite).OfType<InviteId>())
        {
            _ = _invites.Revoke(invite, _now.UtcSeconds);
        }

        _remembered = [.. kept];
        TrustChanged();
    }

    /// <summary>The messages of one that came with an invite: with its Hello it takes the invite, and waits until that is on disk.</summary>
    private void OnInvitedMessage(PeerConnection link, ControlMessage message)
    {
        if (link.Held is { } held)
        {
            if (held.Count == MaxHeldMessages)
            {
                throw new ControlException(CloseReason.LimitExceeded, "too many messages at once");
            }

            held.Add(message);
            return;
        }

        // The session has seen to it that Hello is the first.
        if (link.Peer is null && message is Hello hello && !Admit(link, hello))
        {
            return;
        }

        if (link.Peer!.AdmittedVersion > _trustSaved)
        {
            link.Held = [message];
            _admitted.Add(link);
        }
        else
        {
            OnMessage(link, message);
        }
    }

    /// <summary>The first that comes up takes the invite.</summary>
    /// <returns>False: another one was faster, or the invite is over; the connection is being closed.</returns>
    private bool Admit(PeerConnection link, Hello hello)
    {
        var (proof, joiner) = (link.Invitation!.Value, link.Presented!.Value);
        var peer = PeerOf(joiner);
        if (peer is null or { Config.Trust: PeerTrust.Introduction })
        {
            var reason = _invites.Judge(proof, joiner, Self, _trust.HasNetwork, _now.UtcSeconds);
            if (reason != AdmissionReason.AcceptedInvite)
            {
                var text = new AdmissionResult(reason, null, null).Text;
                Count("refused");
                LogRefused("a stranger", link.Quic, text, joiner.ToString());
                link.Quic.Close((ulong)CloseReason.InviteRefused, text);
                return false;
            }

            var before = _invites.Find(proof.Id)!;
            var introduced = peer;
            var name = KnownPeers.FreeName(before.JoinerName ?? Names.Tame(hello.NodeName), one =>
                _file.Peers.Any(entry => entry.Name == one) || (_peersByName.TryGetValue(one, out var other) && other != introduced));
            _invites.Use(proof.Id, joiner, name, _now.UtcSeconds);
            _remembered.Add(new RememberedPeer(name, joiner, PeerTrust.Invite, _now.UtcSeconds)
            {
                Invite = proof.Id,
                Networks = [before.Network],
                AllowRoutes = before.Routes,
            });
            _ = _introductions.LetIn(joiner);
            TrustChanged();
            if (peer is null)
            {
                JoinKnown();
                peer = AddPeer(_config.Peers.Single(entry => entry.Fingerprint == joiner), joiner);
            }
            else
            {
                // It stays the peer that it is, with what it has, by another entry.
                ApplyKnown();
            }

            peer.AdmittedBy = before;
            peer.AdmittedVersion = _trustVersion;
            Log.PeerJoined(_logger, peer.Name, PathText(link.Quic), joiner.ToString(), proof.Id.ToString());
        }

        link.Peer = peer;
        _unknown.Remove(link);
        AddConnection(peer, link);
        return true;
    }

    private void Release(PeerConnection link)
    {
        if (link.Held is not { } held)
        {
            return;
        }

        link.Held = null;
        if (link.Quic.IsClosed)
        {
            return;
        }

        try
        {
            foreach (var message in held)
            {
                OnMessage(link, message);
            }
        }
        catch (ControlException broken)
        {
            EndBroken(link, broken);
        }
    }

    /// <summary>That it joined cannot be remembered: then it has not, and the invite is as good as before.</summary>
    private void TakeBack(Peer peer)
    {
        foreach (var link in peer.Connections.FindAll(static link => link.UpNanos == 0))
        {
            link.Quic.Close((ulong)CloseReason.InviteRefused, "the other node cannot write down who joins; see its log");
        }

        if (peer.AdmittedBy is not { } before)
        {
            return;
        }

        // Somebody may go on introducing it.
        (peer.AdmittedBy, peer.AdmittedVersion) = (null, 0);
        _invites.Restore(before);
        _remembered.RemoveAll(one => IsOf(one, peer));
        TrustChanged();
        JoinKnown(takesIntroductions: true);
        _ = ApplyPeers(_config);
    }
}
