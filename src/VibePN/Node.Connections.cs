// Connections: admission, what QUIC tells, duplicates, which one carries, and how they end.
// A connection is dialing → admitted → up (Hello read) → ready (networks known) → closed.
using VibePN.Control;
using VibePN.Identity;
using VibePN.Legacy;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Of two connections that are up the superfluous one lives on for this long: packets under way still arrive.</summary>
    private const ulong DuplicateGraceNanos = 1_000_000_000;

    /// <summary>As long with the larger node: should both have chosen differently, it sees what the smaller one closed and keeps the other.</summary>
    private const ulong LargerNodeGraceNanos = 3_000_000_000;

    /// <summary>Replacements that come up within this time and two round trips of each other were dialed by both sides at once.</summary>
    private const ulong SameTimeNanos = 50_000_000;

    public override void OnAccepted(QuicConnection connection)
    {
        var link = new PeerConnection(connection, null, _networks.Count, _controlOut, _now.Nanos);
        connection.Tag = link;
        _unknown.Add(link);
        if (_leaving)
        {
            // Whoever dials during the last moments must not believe in a connection that ends with them.
            connection.Close((ulong)CloseReason.Goodbye, "the node is shutting down");
        }
    }

    public override TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now)
    {
        var link = (PeerConnection)connection.Tag!;
        var result = Judge(link, chain, now, out var fingerprint);
        if (!result.IsAccepted)
        {
            Count("refused");
            LogRefused(result.Claimed?.Name ?? "a stranger", connection, result.Text, fingerprint);
            link.Refusal = result.Text;
            return result.Alert;
        }

        if (link.Peer is null && result.Peer is { Fingerprint: { } pin })
        {
            // By its key: names are given anew when others come.
            if (PeerOf(pin) is not { } peer)
            {
                return TlsAlert.AccessDenied;
            }

            link.Peer = peer;
            _unknown.Remove(link);
            AddConnection(link.Peer, link);
        }

        return TlsAlert.Accept;
    }

    private void LogRefused(string who, QuicConnection connection, string reason, string fingerprint)
    {
        if (_strangersLog.MayLog(_now.Nanos))
        {
            Log.CertificateRefused(_logger, who, PathText(connection), reason, fingerprint);
        }
        else
        {
            ScheduleControl(_strangersLog.DueNanos);
        }
    }

    public override void OnHandshakeCompleted(QuicConnection connection)
    {
        var link = (PeerConnection)connection.Tag!;
        link.HelloDeadlineNanos = _now.Nanos + ControlSession.HelloTimeoutNanos;
        ScheduleControl(link.HelloDeadlineNanos);
        if (connection.Alpn == LegacySession.Alpn)
        {
            BeginLegacy(link);
        }
    }

    public override void OnNewToken(QuicConnection connection, ReadOnlySpan<byte> token)
    {
        if (((PeerConnection)connection.Tag!).Peer is { } peer && peer.TryKeepToken(token))
        {
            _memoryChanges++;
        }
    }

    public override void OnPathChanged(QuicConnection connection)
    {
        var link = (PeerConnection)connection.Tag!;
        link.PathChanged();
        if (link.Introductions.PeerAsks)
        {
            TellWhere(link.Peer!);
        }
    }

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now) =>
        OnPacketIn((PeerConnection)connection.Tag!, datagram);

    public override void OnClosed(QuicConnection connection, QuicClose close)
    {
        var link = (PeerConnection)connection.Tag!;
        _unknown.Remove(link);
        if (link.Peer is not { } peer)
        {
            if (close is { Kind: QuicCloseKind.LocalTransport, Alert: NoApplicationProtocol })
            {
                OnProtocolRefused(connection);
            }

            return;
        }

        peer.Connections.Remove(link);
        if (MayDebug(peer))
        {
            Log.ConnectionEnded(_logger, peer.Name, PathText(connection), Explain(link, close).Text);
        }

        EndRepair(link);
        peer.Carrier = peer.Carrier == link ? null : peer.Carrier;
        link.Legacy?.Receiver.Clear();
        link.Reassembler?.Clear();
        CountExpired(link);
        if (peer.Active == link)
        {
            Promote(peer);
            if (!peer.IsUp)
            {
                PeerDown(peer, link, close);
            }
        }

        if (peer.IsRemoved)
        {
            return;
        }

        if (link.IsSuperseded || !WantsConnection(peer))
        {
            return;
        }

        if (connection.IsDialer && link.UpNanos == 0)
        {
            var (failure, text) = Explain(link, close);
            DialFailed(peer, failure, text);
        }
        else if (peer is { IsDialing: false, IsResolving: false, NextDialNanos: ulong.MaxValue } && (peer.Config.Address is not null || SeenAt(peer) is not null))
        {
            // It ended between Hello and the list of networks: no attempt any more, and not yet what PeerDown dials for.
            DialFailed(peer, DialFailure.Lost, Explain(link, close).Text);
        }
    }

    private AdmissionResult Judge(PeerConnection link, CertificateChain chain, Instant now, out string fingerprint)
    {
        fingerprint = "none";
        if (chain.Count == 0 || !CertificateInfo.TryRead(chain[0], out var certificate) || certificate is null)
        {
            return Admission.Malformed(_trust, link.Peer?.Name);
        }

        var presented = PeerId.OfCertificate(chain[0]);
        fingerprint = presented.ToString();
        var proof = link.Peer is null ? InviteStatement.Find(chain) : null;
        var keys = LineageProof.Read(chain);
        var result = Admission.Decide(
            _trust,
            new AdmissionRequest(presented, certificate.NotBeforeUtcSeconds, certificate.NotAfterUtcSeconds, now.UtcSeconds, link.Peer?.Name)
            {
                Invite = proof,
                Lineage = keys?.Lineage,
                Proof = keys,
            });
        link.Lineage = result.IsAccepted ? keys!.Lineage : null;
        link.CertificateEndUtcSeconds = certificate.NotAfterUtcSeconds;
        link.Presented = result.IsAccepted && result.Peer?.Fingerprint is null ? keys!.Lineage.First : null;
        link.Invitation = result.Reason == AdmissionReason.AcceptedInvite ? proof : null;
        return result;
    }

    /// <summary>Holds the peer's number of connections down: the oldest that carries nothing goes first.</summary>
    private static void AddConnection(Peer peer, PeerConnection link)
    {
        peer.Connections.Add(link);
        if (peer.Connections.Count > Limits.ConnectionsPerPeer
            && peer.Connections.Find(other => other != link && other != peer.Active) is { } oldest)
        {
            oldest.Quic.Close((ulong)CloseReason.LimitExceeded, "too many connections");
        }
    }

    /// <summary>
    /// Of two connections that are up with one process of the peer, which makes way (docs/protocol.md, Duplicates); null: the other side says.
    /// </summary>
    private PeerConnection? Superfluous(PeerConnection link, PeerConnection older)
    {
        if (link.IsReplacement != older.IsReplacement)
        {
            return link.IsReplacement ? older : link;
        }

        var isSmaller = Self.CompareTo(link.Peer!.First) < 0;
        var sameTime = SameTimeNanos + (2 * (ulong)older.Quic.GetStats().SmoothedRtt.TotalNanoseconds);
        if (link.IsReplacement && (older.IsInDoubt(_now.Nanos) || _now.Nanos > older.UpNanos + sameTime))
        {
            return older;
        }

        // Only the smaller node closes, and keeps what it dialed itself; of two of the same kind the newer.
        return !isSmaller ? null : link.Quic.IsDialer || !older.Quic.IsDialer ? older : link;
    }

    private void CloseLater(PeerConnection link)
    {
        var grace = Self.CompareTo(link.Peer!.First) < 0 ? DuplicateGraceNanos : LargerNodeGraceNanos;
        link.CloseAsDuplicateNanos = Math.Min(link.CloseAsDuplicateNanos, _now.Nanos + grace);
        ScheduleControl(link.CloseAsDuplicateNanos);
    }

    /// <summary>
    /// The time of a superfluous connection is over, unless it turns out to be the one that is needed: both sides may have chosen differently,
    /// or what was to stay has died meanwhile. Of several in doubt the one that was heard last is kept.
    /// </summary>
    private void CloseDuplicate(PeerConnection link)
    {
        var others = link.Peer!.Connections.FindAll(other => other != link && other.IsReady);
        var isDoubtful = link.IsInDoubt(_now.Nanos);
        if (others.Exists(other => other.CloseAsDuplicateNanos == ulong.MaxValue && !other.IsInDoubt(_now.Nanos))
            || (isDoubtful && others.Exists(other => other.Quic.LastReceivedNanos > link.Quic.LastReceivedNanos)))
        {
            link.Quic.Close((ulong)CloseReason.Duplicate, "another connection stays");
            return;
        }

        link.CloseAsDuplicateNanos = ulong.MaxValue;
        if (others.Exists(other => other.CloseAsDuplicateNanos == ulong.MaxValue))
        {
            // That one is in doubt; it may yet end.
            CloseLater(link);
        }

        Promote(link.Peer);
    }

    /// <summary>
    /// Chooses the connection that packets leave on, of those that are ready: the one the smaller node dialed, else the newest. While one is
    /// in doubt it is the one that was heard last.
    /// </summary>
    private void Promote(Peer peer)
    {
        var before = peer.Active;
        var ready = peer.Connections.Where(link => link.IsReady).ToList();
        peer.Active = ready.Exists(link => link.IsInDoubt(_now.Nanos))
            ? ready.OrderBy(link => link.IsInDoubt(_now.Nanos)).ThenByDescending(link => link.Quic.LastReceivedNanos).First()
            : ready.OrderBy(link => link.CloseAsDuplicateNanos != ulong.MaxValue)
                .ThenByDescending(link => link.IsReplacement)
                .ThenByDescending(link => link.Quic.IsDialer == (Self.CompareTo(peer.First) < 0))
                .ThenByDescending(link => link.CreatedNanos)
                .FirstOrDefault();
        if (peer.Active is { } chosen && chosen != before)
        {
            if (MayDebug(peer))
            {
                Log.ConnectionChosen(_logger, peer.Name, PathText(chosen.Quic), peer.Connections.Count);
            }

            // A packet of which some pieces have left goes there whole.
            before?.EndFragments();

            // What waits goes on there.
            chosen.Quic.Touch();
            AwaitUnderWay(chosen);
        }

        if (before is null && peer.Active is { } active)
        {
            peer.ChangedNanos = _now.Nanos;
            if (MayLog(peer))
            {
                Log.PeerUp(_logger, peer.Name, PathText(active.Quic), active.Quic.IsDialer ? "us" : "the peer");
            }
        }

        NoteUsable(peer);
        NoteCondition(peer);
    }

    private void PeerDown(Peer peer, PeerConnection link, QuicClose close)
    {
        peer.ChangedNanos = _now.Nanos;
        peer.Queue.Clear(DropReason.OutPeerDown);
        foreach (var network in _live)
        {
            network.Routes.RecordOwners(_now.UtcSeconds);
            network.Routes.Remove(peer.Id, _now.UtcSeconds);
            network.ForgetAnnounced(peer.Id);
        }

        TakeRoutesIntoUse();
        var (_, text) = Explain(link, close);
        if (MayLog(peer))
        {
            // Two nodes with one key take turns many times a second.
            Log.PeerDown(_logger, peer.Name, text);
        }

        peer.Fail(DialFailure.Lost, text);
        NoteCondition(peer);
        peer.SeenAt = link.RemoteEndPoint;

        // Only who fell silent or restarted is looked for; neither who left, nor who was sent away.
        var isMissing = close.Kind is QuicCloseKind.IdleTimeout or QuicCloseKind.StatelessReset or QuicCloseKind.Dropped
            || close is { Kind: QuicCloseKind.Local, ErrorCode: (ulong)CloseReason.Unresponsive }
            || close is { Kind: QuicCloseKind.Local, Reason: MovedText or OwnKeyOverText };
        peer.SeenUntilNanos = isMissing ? _now.Nanos + SeenNanos : 0;
        if (peer.IsRemoved || _leaving || (peer.Config.Address is null && peer.SeenUntilNanos == 0))
        {
            return;
        }

        if (!peer.IsDialing)
        {
            // Whoever dialed will do so again; if both can, the smaller node has the first try.
            var isLater = Self.CompareTo(peer.First) > 0 && !link.Quic.IsDialer;
            StartDialing(peer, (isLater ? DialPolicy.LargerNodeDelayNanos : 0) + DialPolicy.DelayNanos(DialFailure.Lost, 1, _options.Random.NextDouble()));
        }
    }

    private static string PathText(QuicConnection connection) =>
        SockAddr.TryFromBytes(connection.Path.Remote.Bytes, out var remote) ? remote.ToString() : "an unknown address";
}
