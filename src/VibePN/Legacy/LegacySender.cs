using VibePN.Quic;

namespace VibePN.Legacy;

/// <summary>
/// Data streams to a peer: a few long ones, each for a share of the flows. The order inside a flow is kept, a lost QUIC packet holds up
/// the flows of its stream only, and no stream has to be opened for a packet (the deployed daemons read many frames from one). Little waits
/// in the streams themselves: what does not fit stays in the peer's queue, which chooses and drops. Thread: the node's.
/// </summary>
internal sealed class LegacySender(QuicConnection quic)
{
    /// <summary>Streams at most; the peer may allow fewer.</summary>
    public const int Lanes = 8;

    /// <summary>Bytes that may wait unsent, all streams together.</summary>
    public const int BacklogBytes = 64 * 1024;

    private readonly long[] _streams = [-1, -1, -1, -1, -1, -1, -1, -1];

    /// <summary>Queues a frame.</summary>
    /// <param name="flow">Packets of one flow have one number.</param>
    /// <returns>False: not now.</returns>
    public bool TryWrite(ulong flow, ReadOnlySpan<byte> frame)
    {
        var stream = Find((int)(flow % Lanes), out var backlog);
        return stream >= 0 && backlog < BacklogBytes && quic.TryWriteStream(stream, frame, fin: false);
    }

    /// <summary>The stream of a lane: opened when first used, or when the peer wanted no more of the one before; else another one's.</summary>
    private long Find(int lane, out int backlog)
    {
        backlog = 0;
        long other = -1;
        for (var i = 0; i < Lanes; i++)
        {
            if (_streams[i] < 0)
            {
                continue;
            }

            var unsent = quic.GetStreamUnsentBytes(_streams[i]);
            if (unsent < 0)
            {
                _streams[i] = -1;
                continue;
            }

            backlog += unsent;
            other = _streams[i];
        }

        if (_streams[lane] < 0 && backlog < BacklogBytes && quic.TryOpenStream(out var opened))
        {
            _streams[lane] = opened;
        }

        return _streams[lane] >= 0 ? _streams[lane] : other;
    }
}
