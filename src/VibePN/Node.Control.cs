// The control stream: messages in, Hello, and everything with a time of its own.
using VibePN.Control;
using VibePN.Legacy;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        var link = (PeerConnection)connection.Tag!;
        if ((link.Peer is null && link.Invitation is null) || connection.IsClosed)
        {
            return;
        }

        try
        {
            if (link.Legacy is { } legacy)
            {
                OnLegacyStreamData(link, legacy, streamId, data, fin);
                return;
            }

            if (streamId != PeerConnection.ControlStream)
            {
                throw new ControlException(CloseReason.Malformed, $"data on stream {streamId}");
            }

            _messages.Clear();
            link.Session.Receive(data, _messages, _now.Nanos);
            foreach (var message in _messages)
            {
                if (link is { Invitation: null, Peer: { } known } && (known.AdmittedVersion <= _trustSaved || link.UpNanos != 0) && link.Held is null)
                {
                    OnMessage(link, message);
                }
                else
                {
                    OnInvitedMessage(link, message);
                }
            }

            if (fin)
            {
                throw new ControlException(CloseReason.Malformed, "the control stream was closed");
            }
        }
        catch (ControlException broken)
        {
            EndBroken(link, broken);
        }
    }

    private void EndBroken(PeerConnection link, ControlException broken)
    {
        if (link.Peer is { } peer && MayLog(peer))
        {
            Log.ProtocolError(_logger, peer.Name, broken.Message);
        }

        link.Quic.Close((ulong)broken.Reason, broken.Message);
    }

    private void OnMessage(PeerConnection link, ControlMessage message)
    {
        if (link.Peer is { } from && message is not (Keepalive or KeepaliveReply or ParityReport) && MayDebug(from))
        {
            Log.MessageIn(_logger, from.Name, ControlText.Of(message));
        }

        switch (message)
        {
            case Hello hello:
                OnHello(link, hello);
                break;
            case NetworkList list:
                OnNetworkList(link, list);
                break;
            case Announce announce:
                OnAnnounce(link, announce);
                break;
            case Withdraw withdraw:
                OnWithdraw(link, withdraw);
                break;
            case Keepalive keepalive:
                link.Send(new KeepaliveReply(keepalive.Id, link.RemoteEndPoint));
                break;
            case KeepaliveReply reply:
                link.Peer!.ObservedAt = reply.Observed ?? link.Peer.ObservedAt;
                break;
            case Members members:
                OnMembers(link, members);
                break;
            case AddressInUse inUse:
                OnAddressInUse(link, inUse);
                break;
            case ParityReport report:
                OnParityReport(link, report);
                break;
            case PeerError error when MayLog(link.Peer!):
                Log.PeerReports(_logger, link.Peer!.Name, error.Text);
                break;
        }
    }

    /// <summary>The connection is up: former lives and duplicates of the peer make way (docs/protocol.md, Duplicates).</summary>
    private void OnHello(PeerConnection link, Hello hello)
    {
        if (!PinFirstUse(link))
        {
            return;
        }

        var peer = link.Peer!;
        TakeUp(link);
        peer.ObservedAt = hello.Observed ?? peer.ObservedAt;
        link.LossMeter = hello.Features.Contains(Hello.RepairFeature) ? new LossMeter() : null;
        link.ParityMeter = link.LossMeter is not null && hello.Features.Contains(Hello.ParityFeature) ? new ParityMeter() : null;
        if (!link.Quic.IsDialer)
        {
            link.IsReplacement = hello.Replaces;
            SendHello(link);
            link.Quic.SendNewToken();
        }

        var (restarted, isCopied) = peer.Meet(hello.BootId, link.RemoteEndPoint, _now.Nanos);
        if (isCopied)
        {
            Log.PeerIsCopied(_logger, peer.Name, peer.CopiesAt(_now.Nanos)!);
        }

        foreach (var other in peer.Connections.ToArray())
        {
            if (other != link && other is { Legacy: not null, IsUp: true })
            {
                other.Quic.Close((ulong)CloseReason.Restarted, "the node speaks a newer protocol now");
            }

            if (other == link || other.Session.PeerHello is not { } otherHello)
            {
                continue;
            }

            if (restarted || otherHello.BootId != hello.BootId)
            {
                other.Quic.Close((ulong)CloseReason.Restarted, "the node restarted");
            }
            else if (Superfluous(link, other) is { } superfluous)
            {
                CloseLater(superfluous);
            }
        }

        SendNetworks(link);
        AskForIntroductions(link);
    }

    /// <summary>What every connection does that has come up, of whatever protocol.</summary>
    private void TakeUp(PeerConnection link)
    {
        Count("up");
        ConnectionsMade++;
        LearnLineage(link);
        link.HelloDeadlineNanos = ulong.MaxValue;
        link.KeepaliveNanos = _now.Nanos + ControlSession.KeepaliveIntervalNanos;
        ScheduleControl(link.KeepaliveNanos);
        link.UpNanos = _now.Nanos;
        link.RouteSource = link.RemoteEndPoint is { } remote && _output.LocalAddressTowards(remote) is { } source ? source : link.Local;
        var peer = link.Peer!;
        if (link.Hearsay is { } host)
        {
            _hearsayDials.GiveBack(host);
        }

        if (link.ShowsInvite && JoinOf(peer) is { } inviter)
        {
            // The other side has written it down before it said so.
            _joins.Remove(inviter);
            _output.Joined(inviter);
        }

        peer.Succeed();
        ScheduleDial(peer, _now.Nanos + ReadyNanos);
        Supersede(peer, link);
    }

    private void SendHello(PeerConnection link)
    {
        if (link.Legacy is { } legacy)
        {
            legacy.SendHello();
            return;
        }

        link.Quic.TakesParity = true;
        // Who was connected before and dials again has nothing that is worth keeping.
        var replaces = link.Quic.IsDialer && link.Peer!.BootId is not null;
        link.IsReplacement |= replaces;
        link.Send(new Hello(_options.BootId, _config.Node.Name, [Hello.RepairFeature, Hello.ParityFeature], link.RemoteEndPoint, Limits.ReassembledBytes, replaces));
    }

    /// <summary>Everything with a time of its own; finds the next such time on the way.</summary>
    private void RunControlTimers()
    {
        _controlDeadline = ulong.MaxValue;
        if (_pathCheckNanos <= _now.Nanos)
        {
            CheckPaths();
        }

        ScheduleControl(_pathCheckNanos);
        RunIntroductionTimers();
        foreach (var peer in _peers.Values)
        {
            for (var i = peer.Connections.Count - 1; i >= 0; i--)
            {
                RunTimers(peer.Connections[i]);
            }

            if (peer.MoveNanos <= _now.Nanos)
            {
                TakeAddresses(peer);
            }

            if (peer.WhereNanos <= _now.Nanos)
            {
                TellWhereNow(peer);
            }

            if (peer.NextDialNanos <= _now.Nanos)
            {
                if (peer.Active is { } doubtful && doubtful.IsInDoubt(_now.Nanos))
                {
                    Probe(doubtful);
                }

                ContinueDialing(peer);
            }

            // A doubt may have ended by itself.
            NoteUsable(peer);
            if (peer.LogLimit.DueNanos <= _now.Nanos)
            {
                Log.LinesLeftOut(_logger, peer.LogLimit.TakeLeftOut(), $"peer {peer.Name}");
            }

            ScheduleControl(Math.Min(peer.NextDialNanos, Math.Min(peer.MoveNanos, Math.Min(peer.WhereNanos, peer.LogLimit.DueNanos))));
        }

        for (var i = _unknown.Count - 1; i >= 0; i--)
        {
            RunTimers(_unknown[i]);
        }

        if (_strangersLog.DueNanos <= _now.Nanos)
        {
            Log.LinesLeftOut(_logger, _strangersLog.TakeLeftOut(), "refused certificates");
        }

        ScheduleControl(_strangersLog.DueNanos);
        ExpireRoutes();
        ReviewRoutes(all: false);
        RunPathSizes();
    }

    private void RunTimers(PeerConnection link)
    {
        if (link.Quic.IsClosed)
        {
            return;
        }

        if (link.HelloDeadlineNanos <= _now.Nanos)
        {
            link.Quic.Close((ulong)CloseReason.HelloTimeout, "no Hello within its time");
            return;
        }

        if (!RunKeyTimers(link))
        {
            return;
        }

        if (link.CloseAsDuplicateNanos <= _now.Nanos)
        {
            CloseDuplicate(link);
            if (link.Quic.IsClosed)
            {
                return;
            }
        }

        if (link.DoubtCheckNanos <= _now.Nanos)
        {
            CheckAnswered(link);
        }

        if (link.IsUp && link.EchoDeadlineNanos <= _now.Nanos)
        {
            var silent = link.Legacy is null ? ControlSession.EchoTimeoutNanos : LegacySession.DeadNanos;
            link.Peer!.Unresponsive++;
            link.Quic.Close((ulong)CloseReason.Unresponsive, $"no answer for {silent / 1_000_000_000} s");
            return;
        }

        if (link.AnnounceNanos <= _now.Nanos)
        {
            AnnounceAgain(link);
        }

        if (link.KeepaliveNanos <= _now.Nanos)
        {
            link.KeepaliveNanos = _now.Nanos + ControlSession.KeepaliveIntervalNanos;
            link.Reassembler?.Expire(_now.Nanos);
            CountExpired(link);
            SendKeepalive(link);
            if (link.Peer?.Active == link)
            {
                var stats = link.Quic.GetStats();
                link.Peer.History.Sample(stats.SmoothedRtt, stats.DatagramsAcked, stats.DatagramsLost, _now.Nanos);
            }

            if (link.Peer?.Active == link && link.DoubtCheckNanos == ulong.MaxValue)
            {
                Await(link);
            }
        }

        ScheduleControl(Math.Min(link.HelloDeadlineNanos, Math.Min(link.CloseAsDuplicateNanos, link.KeepaliveNanos)));
        ScheduleControl(Math.Min(link.AnnounceNanos, link.IsUp ? link.EchoDeadlineNanos : ulong.MaxValue));
        ScheduleControl(link.DoubtCheckNanos);
    }
}
