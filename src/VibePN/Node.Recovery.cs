// What is done when packets go unanswered or the host has moved: a connection in doubt lives on while new ones are tried beside it.
using VibePN.Control;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Packets that go unanswered for this long, and three round trips, put a connection in doubt.</summary>
    private const ulong DoubtNanos = 200_000_000;

    /// <summary>While a connection is in doubt it is looked at so often whether it still is.</summary>
    private const ulong RecheckNanos = 1_000_000_000;

    /// <summary>Who is heard after so long a silence is dialed at once.</summary>
    private const ulong HeardAgainNanos = 500_000_000;

    /// <summary>Checks of many connections fall together on multiples of this.</summary>
    private const ulong CheckGridNanos = 50_000_000;

    /// <summary>Events of the host's network come in groups: what is first is looked at so much later, with the rest.</summary>
    private const ulong PathEventNanos = 50_000_000;

    /// <summary>A connection that cannot move is to be replaced within this time; if it still works by then, it stays.</summary>
    private const ulong MoveNanos = 10_000_000_000;

    /// <summary>So much later than it should be, the clock has jumped: the host slept.</summary>
    private const ulong ClockJumpNanos = 5_000_000_000;

    private readonly byte[] _zeros = new byte[Limits.ReassembledBytes];

    private ulong _pathCheckNanos = ulong.MaxValue;

    /// <summary>When the next call was to come at the latest, by the last <see cref="Flush"/>.</summary>
    private ulong _expectedNanos = ulong.MaxValue;

    /// <summary>Addresses, routes or links of the host have changed, or may have: the ways to the peers are looked at anew soon.</summary>
    public void OnPathEvent(Instant now)
    {
        _now = now;
        if (_pathCheckNanos == ulong.MaxValue)
        {
            _pathCheckNanos = now.Nanos + PathEventNanos;
            ScheduleControl(_pathCheckNanos);
        }
    }

    /// <summary>The host slept, perhaps elsewhere than it wakes: nobody waits for a timer to find out.</summary>
    private void CheckClock()
    {
        if (_expectedNanos == ulong.MaxValue || _now.Nanos <= _expectedNanos || _now.Nanos - _expectedNanos < ClockJumpNanos)
        {
            return;
        }

        Log.ClockJumped(_logger, (_now.Nanos - _expectedNanos) / 1_000_000_000);
        _pathCheckNanos = _now.Nanos;
        ScheduleControl(_now.Nanos);
        foreach (var peer in _peers.Values)
        {
            if (peer.Active is { } link)
            {
                link.KeepaliveNanos = _now.Nanos;
                Await(link);
            }
        }
    }

    /// <summary>Whether the host would now send from elsewhere to its peers. A dialer's connection moves; an acceptor's is replaced by a new one.</summary>
    private void CheckPaths()
    {
        _pathCheckNanos = ulong.MaxValue;
        foreach (var peer in _peers.Values)
        {
            if (peer.Active is not { } link)
            {
                if (peer.NextDialNanos != ulong.MaxValue && peer.LastFailure is not (DialFailure.RefusedByPeer or DialFailure.WrongIdentity))
                {
                    StartDialing(peer, (ulong)(_options.Random.NextDouble() * PathEventNanos));
                }

                continue;
            }

            if (link.RemoteEndPoint is { } remote && _output.LocalAddressTowards(remote) is { } source && !IsSameHost(source, link.RouteSource))
            {
                Move(peer, source);
            }
        }
    }

    /// <summary>
    /// The host sends to the peer from another address now. Connections that were dialed here go there; what cannot is in doubt until another
    /// is up, and attempts from the old address end.
    /// </summary>
    private void Move(Peer peer, SockAddr source)
    {
        // Of several the other side may be about to close the one that moves.
        var isOnly = peer.Connections.Count(link => link.IsUp) == 1;
        var isMoved = false;
        foreach (var link in peer.Connections.Where(link => !link.Quic.IsClosed).ToList())
        {
            link.RouteSource = source;
            if (IsSameHost(link.Local, source))
            {
                continue;
            }

            if (link.IsAttempt)
            {
                link.IsSuperseded = true;
                link.Quic.Close((ulong)CloseReason.Duplicate, "dialing anew from another address");
            }
            else if (link.IsReady && isOnly && link.Quic.TryMigrate(new QuicAddress(source.Bytes), _now))
            {
                // The peer follows with the first packet that is more than a probe of the path (RFC 9000 §9.2).
                isMoved = true;
                EndDoubt(link);
                SendKeepalive(link);
                Await(link);
            }
            else
            {
                link.MoveUntilNanos = _now.Nanos + MoveNanos;
            }
        }

        if (MayLog(peer))
        {
            Log.PathMoved(_logger, peer.Name, source.ToString(), isMoved ? "the connection moves" : "dialing anew");
        }

        Promote(peer);
        if (WantsConnection(peer))
        {
            StartDialing(peer);
        }
    }

    /// <summary>The first packet after an answer was sent: from now on the time to the next one is counted.</summary>
    private void Await(PeerConnection link)
    {
        link.AwaitingSinceNanos = _now.Nanos;
        if (link.DoubtCheckNanos == ulong.MaxValue)
        {
            ScheduleDoubtCheck(link);
        }
    }

    private void ScheduleDoubtCheck(PeerConnection link)
    {
        var due = link.AwaitingSinceNanos + DoubtNanos + (3 * (ulong)link.Quic.GetStats().SmoothedRtt.TotalNanoseconds);
        link.DoubtCheckNanos = (due + CheckGridNanos - 1) / CheckGridNanos * CheckGridNanos;
        ScheduleControl(link.DoubtCheckNanos);
    }

    /// <summary>
    /// The time for an answer is over, unless there was one. Only an acknowledgement is one: what the peer sends by itself may come while
    /// nothing reaches it, or while our window is full of what was lost.
    /// </summary>
    private void CheckAnswered(PeerConnection link)
    {
        link.DoubtCheckNanos = ulong.MaxValue;
        if (link.Quic.GetStats().BytesInFlight == 0)
        {
            link.AwaitingSinceNanos = 0;
            return;
        }

        if (link.Quic.LastAnsweredNanos >= link.AwaitingSinceNanos)
        {
            AwaitUnderWay(link);
            return;
        }

        ScheduleDoubtCheck(link);
        if (link.DoubtCheckNanos > _now.Nanos)
        {
            return;
        }

        link.DoubtCheckNanos = ulong.MaxValue;
        var peer = link.Peer!;
        if (peer.Active != link)
        {
            return;
        }

        if (link.IsInDoubt(_now.Nanos))
        {
            link.DoubtCheckNanos = _now.Nanos + RecheckNanos;
            return;
        }

        link.DoubtSinceNanos = _now.Nanos;
        peer.Doubts++;
        if (MayDebug(peer))
        {
            Log.DoubtBegins(_logger, peer.Name, PathText(link.Quic));
        }

        Promote(peer);
        if (WantsConnection(peer))
        {
            StartDialing(peer);
        }
    }

    /// <summary>What is still under way is awaited from now on: the window may be full of it, so that no packet would begin the time.</summary>
    private void EndDoubt(PeerConnection link)
    {
        link.AwaitingSinceNanos = 0;
        link.DoubtSinceNanos = 0;
        link.MoveUntilNanos = 0;
        link.DoubtCheckNanos = ulong.MaxValue;
        AwaitUnderWay(link);
        if (MayDebug(link.Peer!))
        {
            Log.DoubtEnds(_logger, link.Peer!.Name, PathText(link.Quic));
        }

        NoteCondition(link.Peer!);
    }

    /// <summary>Only where packets wait behind it: what else is under way may be a probe of the packet size, which nobody has to answer.</summary>
    private void AwaitUnderWay(PeerConnection link)
    {
        if (link.DoubtCheckNanos == ulong.MaxValue && link.Peer!.Queue.Count > 0 && link.Quic.GetStats().BytesInFlight > 0)
        {
            Await(link);
        }
    }

    /// <summary>
    /// The peer is heard after a silence, on a connection in doubt: the path is there again. Packets leave on the one that was heard last, be it
    /// only to have an answer, and attempts are worth theirs.
    /// </summary>
    private void CheckHeard(PeerConnection link)
    {
        var before = link.HeardNanos;
        link.HeardNanos = link.Quic.LastReceivedNanos;
        if (link.HeardNanos > before + HeardAgainNanos && link.IsInDoubt(_now.Nanos) && link.Peer is { Active: { } active } peer
            && active.IsInDoubt(_now.Nanos) && WantsConnection(peer))
        {
            Promote(peer);
            StartDialing(peer);
        }
    }

    /// <summary>A datagram as large as they get on the connection in doubt: its answer shows that the path carries data again.</summary>
    private void Probe(PeerConnection link)
    {
        var bytes = Math.Min(link.Quic.MaxDatagramBytes, _zeros.Length);
        if (bytes > 1 && link.Legacy is null)
        {
            _ = WriteDatagram(link, default, _zeros.AsSpan(0, bytes));
            FinishOpenPacket();
        }
    }

    private static bool IsSameHost(in SockAddr one, in SockAddr other) =>
        !one.IsNone && !other.IsNone && one.ToIPEndPoint().Address.Equals(other.ToIPEndPoint().Address);
}
