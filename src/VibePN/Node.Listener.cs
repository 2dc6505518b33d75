// The socket that this node listens on and dials from is another one: the peers are moved to it, make before break.
using VibePN.Control;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

/// <summary>Whether an own address is that of a certain socket.</summary>
internal delegate bool OwnsAddress(in SockAddr local);

internal sealed partial class Node
{
    private const string MovedText = "the node listens elsewhere now";

    /// <summary>
    /// Every peer that is connected by an old socket, whoever dialed, is dialed anew where it is, by the present one; the Hello says that this
    /// connection replaces the other. Migration would be quicker for those that we dialed, but does not go back when the new way leads
    /// nowhere. To be called until nobody is left.
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
                continue;
            }

            foreach (var attempt in peer.Connections.Where(link => link.IsAttempt && isOld(link.Local)).ToList())
            {
                attempt.IsSuperseded = true;
                attempt.Quic.Close((ulong)CloseReason.Duplicate, MovedText);
                StartDialing(peer);
            }

            if (peer.Active is { } active && isOld(active.Local) && active.MoveUntilNanos <= now.Nanos && !_leaving)
            {
                active.MoveUntilNanos = now.Nanos + MoveNanos;
                StartDialing(peer);
            }
        }

        if (isOver)
        {
            CloseThose([.. _unknown.Where(link => isOld(link.Local))]);
        }

        return left;

        static void CloseThose(List<PeerConnection> links) => links.ForEach(link => link.Quic.Close((ulong)CloseReason.None, MovedText));
    }
}
