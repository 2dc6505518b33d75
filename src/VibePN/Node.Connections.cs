// Connections: admission, what QUIC tells, duplicates, which one carries, and how they end.
// A connection is dialing → admitted → up (Hello read) → ready (networks known) → closed.
using VibePN.Control;
using VibePN.Identity;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Of two connections that are up the superfluous one lives on for this long: packets under way still arrive.</summary>
    private const ulong DuplicateGraceNanos = 1_000_000_000;

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
            if (_strangersLog.MayLog(_now.Nanos))
            {
                Log.CertificateRefused(_logger, result.Claimed?.Name ?? "a stranger", PathText(connection), result.Text, fingerprint);
            }
            else
            {
                ScheduleControl(_strangersLog.DueNanos);
            }

            link.Refusal = result.Text;
            return result.Alert;
        }

        if (link.Peer is null)
        {
            link.Peer = _peersByName[result.Peer!.Name];
            _unknown.Remove(link);
            AddConnection(link.Peer, link);
        }

        return TlsAlert.Accept;
    }

    public override void OnHandshakeCompleted(QuicConnection connection)
    {
        var link = (PeerConnection)connection.Tag!;
        link.HelloDeadlineNanos = _now.Nanos + ControlSession.HelloTimeoutNanos;
        ScheduleControl(link.HelloDeadlineNanos);
    }

    public override void OnNewToken(QuicConnection connection, ReadOnlySpan<byte> token)
    {
        if (((PeerConnection)connection.Tag!).Peer is { } peer && peer.TryKeepToken(token))
        {
            _memoryChanges++;
        }
    }

    public override void OnPathChanged(QuicConnection connection) => ((PeerConnection)connection.Tag!).PathChanged();

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now) =>
        OnPacketIn((PeerConnection)connection.Tag!, datagram);

    public override void OnClosed(QuicConnection connection, QuicClose close)
    {
        var link = (PeerConnection)connection.Tag!;
        _unknown.Remove(link);
        if (link.Peer is not { } peer)
        {
            return;
        }

        peer.Connections.Remove(link);
        EndRepair(link);
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

        if (peer.Dialing == link)
        {
            peer.Dialing = null;
            if (!peer.IsUp && link.Session.PeerHello is null)
            {
                var (failure, text) = Explain(link, close);
                DialFailed(peer, failure, text);
            }
        }
        else if (!peer.IsUp && peer is { Dialing: null, IsResolving: false, NextDialNanos: ulong.MaxValue, Config.Address: not null })
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
        return Admission.Decide(
            _trust,
            new AdmissionRequest(presented, certificate.NotBeforeUtcSeconds, certificate.NotAfterUtcSeconds, now.UtcSeconds, link.Peer?.Name));
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

    private void CloseLater(PeerConnection link)
    {
        link.CloseAsDuplicateNanos = Math.Min(link.CloseAsDuplicateNanos, _now.Nanos + DuplicateGraceNanos);
        ScheduleControl(link.CloseAsDuplicateNanos);
    }

    /// <summary>Chooses the connection that packets leave on: the one the smaller node dialed, else the newest that is ready.</summary>
    private void Promote(Peer peer)
    {
        var before = peer.Active;
        peer.Active = peer.Connections
            .Where(link => link.IsReady && link.CloseAsDuplicateNanos == ulong.MaxValue)
            .OrderByDescending(link => link.Quic.IsDialer == (Self.CompareTo(peer.Id) < 0))
            .ThenByDescending(link => link.CreatedNanos)
            .FirstOrDefault() ?? peer.Connections.Find(link => link.IsReady);
        if (before is null && peer.Active is { } active)
        {
            peer.ChangedNanos = _now.Nanos;
            Log.PeerUp(_logger, peer.Name, PathText(active.Quic), active.Quic.IsDialer ? "us" : "the peer");
        }

        NoteUsable(peer);
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
        Log.PeerDown(_logger, peer.Name, text);
        peer.Fail(DialFailure.Lost, text);
        if (peer is { IsRemoved: false, Config.Address: not null } && !_leaving)
        {
            peer.NextDialNanos = _now.Nanos
                + (Self.CompareTo(peer.Id) > 0 ? DialPolicy.LargerNodeDelayNanos : 0)
                + DialPolicy.DelayNanos(DialFailure.Lost, 1, _options.Random.NextDouble());
            ScheduleControl(peer.NextDialNanos);
        }
    }

    private static string PathText(QuicConnection connection) =>
        SockAddr.TryFromBytes(connection.Path.Remote.Bytes, out var remote) ? remote.ToString() : "an unknown address";
}
