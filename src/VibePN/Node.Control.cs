// The control stream: messages in, Hello, and everything with a time of its own.
using VibePN.Control;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        var link = (PeerConnection)connection.Tag!;
        if (link.Peer is null || connection.IsClosed)
        {
            return;
        }

        try
        {
            if (streamId != PeerConnection.ControlStream)
            {
                throw new ControlException(CloseReason.Malformed, $"data on stream {streamId}");
            }

            _messages.Clear();
            link.Session.Receive(data, _messages, _now.Nanos);
            foreach (var message in _messages)
            {
                OnMessage(link, message);
            }

            if (fin)
            {
                throw new ControlException(CloseReason.Malformed, "the control stream was closed");
            }
        }
        catch (ControlException broken)
        {
            if (MayLog(link.Peer))
            {
                Log.ProtocolError(_logger, link.Peer.Name, broken.Message);
            }

            connection.Close((ulong)broken.Reason, broken.Message);
        }
    }

    private void OnMessage(PeerConnection link, ControlMessage message)
    {
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
            case AddressInUse inUse:
                OnAddressInUse(link, inUse);
                break;
            case PeerError error when MayLog(link.Peer!):
                Log.PeerReports(_logger, link.Peer!.Name, error.Text);
                break;
        }
    }

    /// <summary>The connection is up: former lives and duplicates of the peer make way (docs/protocol.md, Duplicates).</summary>
    private void OnHello(PeerConnection link, Hello hello)
    {
        var peer = link.Peer!;
        Count("up");
        link.HelloDeadlineNanos = ulong.MaxValue;
        link.KeepaliveNanos = _now.Nanos + ControlSession.KeepaliveIntervalNanos;
        ScheduleControl(link.KeepaliveNanos);
        peer.ObservedAt = hello.Observed ?? peer.ObservedAt;
        link.LossMeter = hello.Features.Contains(Hello.RepairFeature) ? new LossMeter() : null;
        peer.Succeed();
        if (peer.Dialing == link)
        {
            peer.Dialing = null;
        }

        if (!link.Quic.IsDialer)
        {
            SendHello(link);
            link.Quic.SendNewToken();
        }

        var restarted = peer.BootId is { } before && before != hello.BootId;
        peer.BootId = hello.BootId;
        foreach (var other in peer.Connections.ToArray())
        {
            if (other == link || other.Session.PeerHello is not { } otherHello)
            {
                continue;
            }

            if (restarted || otherHello.BootId != hello.BootId)
            {
                other.Quic.Close((ulong)CloseReason.Restarted, "the node restarted");
            }
            else if (link.IsReplacement && !AreRivals(link, other))
            {
                CloseLater(other);
            }
            else if (Self.CompareTo(peer.Id) < 0)
            {
                // Only the smaller node closes, and keeps what it dialed itself; of two of the same kind the newer.
                CloseLater(link.Quic.IsDialer || !other.Quic.IsDialer ? other : link);
            }
        }

        SendNetworks(link);
    }

    private void SendHello(PeerConnection link) => link.Send(new Hello(
        _options.BootId,
        _config.Node.Name,
        [Hello.RepairFeature],
        link.RemoteEndPoint,
        Limits.ReassembledBytes,
        link.Replaces));

    /// <summary>Everything with a time of its own; finds the next such time on the way.</summary>
    private void RunControlTimers()
    {
        _controlDeadline = ulong.MaxValue;
        foreach (var peer in _peers.Values)
        {
            if (peer.NextDialNanos <= _now.Nanos)
            {
                StartDial(peer);
            }

            if (peer.LogLimit.DueNanos <= _now.Nanos)
            {
                Log.LinesLeftOut(_logger, peer.LogLimit.TakeLeftOut(), $"peer {peer.Name}");
            }

            ScheduleControl(Math.Min(peer.NextDialNanos, peer.LogLimit.DueNanos));
            for (var i = peer.Connections.Count - 1; i >= 0; i--)
            {
                RunTimers(peer.Connections[i]);
            }
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

        if (link.CloseAsDuplicateNanos <= _now.Nanos)
        {
            link.Quic.Close((ulong)CloseReason.Duplicate, "another connection stays");
            return;
        }

        if (link.IsUp && link.Session.EchoDeadlineNanos <= _now.Nanos)
        {
            link.Peer!.Unresponsive++;
            link.Quic.Close((ulong)CloseReason.Unresponsive, $"no answer for {ControlSession.EchoTimeoutNanos / 1_000_000_000} s");
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
            link.Send(link.Session.NextKeepalive(link.RemoteEndPoint, _now.Nanos));
        }

        ScheduleControl(Math.Min(link.HelloDeadlineNanos, Math.Min(link.CloseAsDuplicateNanos, link.KeepaliveNanos)));
        ScheduleControl(Math.Min(link.AnnounceNanos, link.IsUp ? link.Session.EchoDeadlineNanos : ulong.MaxValue));
    }
}
