// What is done when packets go unanswered or the host has moved: a connection in doubt lives on while new ones are tried beside it.
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Packets that go unanswered for this long, and three round trips, put a connection in doubt.</summary>
    private const ulong DoubtNanos = 200_000_000;

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
                link.RouteSource = source;
                Move(peer, link, source);
            }
        }
    }

    private void Move(Peer peer, PeerConnection link, SockAddr source)
    {
        var isMoved = link.Quic.TryMigrate(new QuicAddress(source.Bytes), _now);
        if (MayLog(peer))
        {
            Log.PathMoved(_logger, peer.Name, source.ToString(), isMoved ? "the connection moves" : "dialing anew");
        }

        if (isMoved)
        {
            // The peer follows with the first packet that is more than a probe of the path (RFC 9000 §9.2).
            link.Send(link.Session.NextKeepalive(link.RemoteEndPoint, _now.Nanos));
            Await(link);
        }
        else
        {
            link.MoveUntilNanos = _now.Nanos + MoveNanos;
            StartDialing(peer);
        }
    }

    /// <summary>A packet was sent that the peer's QUIC must answer: from now on the time is counted, unless it is already.</summary>
    private void Await(PeerConnection link)
    {
        link.AwaitingSinceNanos = _now.Nanos;
        var due = _now.Nanos + DoubtNanos + (3 * (ulong)link.Quic.GetStats().SmoothedRtt.TotalNanoseconds);
        link.DoubtCheckNanos = (due + CheckGridNanos - 1) / CheckGridNanos * CheckGridNanos;
        ScheduleControl(link.DoubtCheckNanos);
    }

    /// <summary>The time for an answer is over. Anything that was received since is one; then what is under way now is awaited anew.</summary>
    private void CheckAnswered(PeerConnection link)
    {
        link.DoubtCheckNanos = ulong.MaxValue;
        var isUnderWay = link.Quic.GetStats().BytesInFlight > 0;
        if (link.Quic.LastReceivedNanos >= link.AwaitingSinceNanos || !isUnderWay)
        {
            link.AwaitingSinceNanos = 0;
            if (isUnderWay)
            {
                Await(link);
            }

            return;
        }

        var peer = link.Peer!;
        if (peer.Active != link || link.IsInDoubt(_now.Nanos))
        {
            return;
        }

        link.DoubtSinceNanos = _now.Nanos;
        peer.Doubts++;
        Promote(peer);
        if (WantsConnection(peer))
        {
            StartDialing(peer);
        }
    }

    /// <summary>A datagram as large as they get on the connection in doubt: its answer shows that the path carries data again.</summary>
    private void Probe(PeerConnection link)
    {
        var bytes = Math.Min(link.Quic.MaxDatagramBytes, _zeros.Length);
        if (bytes > 1)
        {
            _ = WriteDatagram(link, default, _zeros.AsSpan(0, bytes));
            FinishOpenPacket();
        }
    }

    private static bool IsSameHost(in SockAddr one, in SockAddr other) =>
        !one.IsNone && !other.IsNone && one.ToIPEndPoint().Address.Equals(other.ToIPEndPoint().Address);
}
