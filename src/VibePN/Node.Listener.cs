// The socket that this node listens on and dials from is another one: the peers are moved to it, make before break.
using System.Net;
using VibePN.Control;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

/// <summary>Whether an own address is that of a certain socket.</summary>
internal delegate bool OwnsAddress(in SockAddr local);

internal sealed partial class Node
{
    /// <summary>
    /// Only a QUIC client may migrate, so every peer that is connected by an old socket, whoever dialed, is dialed anew where it is, by the
    /// present one; the Hello says that this connection replaces the other. To be called until nobody is left.
    /// </summary>
    /// <param name="isOld">Of the socket that is to be closed.</param>
    /// <param name="isOver">Its time is over: who is left is cut off, told, and dialed by the usual rules.</param>
    /// <returns>Connections that still need it.</returns>
    public int LeaveSocket(OwnsAddress isOld, bool isOver, Instant now)
    {
        _now = now;
        var left = _peers.Values.Sum(peer => peer.Connections.Count(link => isOld(link.Local))) + _unknown.Count(link => isOld(link.Local));
        if (left == 0)
        {
            return 0;
        }

        foreach (var peer in _peers.Values)
        {
            if (isOver)
            {
                CloseThose([.. peer.Connections.Where(link => isOld(link.Local))]);
            }
            else if (peer.Active is { } active && isOld(active.Local))
            {
                if (peer.Dialing is null && !_leaving && active.RemoteEndPoint is { } remote)
                {
                    DialReplacement(peer, remote);
                }
            }
            else if (peer is { IsUp: false, Dialing: { } attempt } && isOld(attempt.Local))
            {
                attempt.Quic.Close((ulong)CloseReason.None, MovedText);
                peer.NextDialNanos = _now.Nanos;
                ScheduleControl(peer.NextDialNanos);
            }
        }

        if (isOver)
        {
            CloseThose([.. _unknown.Where(link => isOld(link.Local))]);
        }

        return left;

        static void CloseThose(List<PeerConnection> links) => links.ForEach(link => link.Quic.Close((ulong)CloseReason.None, MovedText));
    }

    private const string MovedText = "the node listens elsewhere now";

    /// <summary>Dials a peer that is up; nothing is lost if it fails.</summary>
    private void DialReplacement(Peer peer, IPEndPoint remote)
    {
        if (_output.RemoteAddress(remote) is not { } to || _output.LocalAddressTowards(remote) is not { } from)
        {
            return;
        }

        Count("dialed");
        peer.Attempts++;
        var path = new QuicPath(new QuicAddress(from.Bytes), new QuicAddress(to.Bytes));
        var quic = _endpoint.Connect(path, [Alpn], _now, token: peer.DialToken.Span);
        var link = new PeerConnection(quic, peer, _networks.Count, _controlOut, _now.Nanos) { Replaces = true };
        quic.Tag = link;
        peer.Dialing = link;
        AddConnection(peer, link);
    }

    /// <summary>Both replace another, begun at about the same time: two nodes moved at once, and the usual rule for duplicates holds between them.</summary>
    private static bool AreRivals(PeerConnection link, PeerConnection other) =>
        other.IsReplacement && link.IsReplacement && Math.Max(link.CreatedNanos, other.CreatedNanos) - Math.Min(link.CreatedNanos, other.CreatedNanos) < RivalNanos;

    private const ulong RivalNanos = 2_000_000_000;
}
