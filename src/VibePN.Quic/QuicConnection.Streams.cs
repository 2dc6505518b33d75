using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>Bidirectional streams. Queueing is allowed everywhere, callbacks included; bytes leave with <see cref="WritePending"/>.</content>
public sealed unsafe partial class QuicConnection
{
    private readonly Dictionary<long, QuicStream> _streams = [];

    /// <summary>Streams with something to send, in turn.</summary>
    private readonly List<QuicStream> _sending = [];

    /// <summary>
    /// What the peer says on streams of its own is not answered there: this side's half is given up as each is opened, so that a stream
    /// costs nothing here and the peer may open another when its own half ends.
    /// </summary>
    public bool TakesOneWayStreams { get; set; }

    /// <summary>Opens a bidirectional stream; allowed from <see cref="QuicHandler.OnHandshakeCompleted"/> on.</summary>
    /// <exception cref="QuicException">The connection is over, or the peer allows no more streams now.</exception>
    public long OpenStream()
    {
        if (_state != State.Active)
        {
            throw new QuicException("the connection is closed");
        }

        var result = OpenStream(out var id);
        return result == 0 ? id : throw new QuicException(
            result == NgTcp2Error.StreamIdBlocked ? "the peer allows no more streams now" : $"ngtcp2: {Describe(result)}");
    }

    /// <summary><see cref="OpenStream()"/> without an exception.</summary>
    /// <returns>False: the connection is over, or the peer allows no more streams now.</returns>
    public bool TryOpenStream(out long streamId)
    {
        streamId = -1;
        return _state == State.Active && OpenStream(out streamId) == 0;
    }

    /// <summary>Lets the peer open more streams, and send more before it waits, than <see cref="QuicSettings"/> say; not to be taken back.</summary>
    /// <param name="streams">At once, in addition.</param>
    /// <param name="bytes">On all streams together, in addition.</param>
    public void AllowMore(int streams, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(streams);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (_state == State.Active)
        {
            NgTcp2.ngtcp2_conn_extend_max_streams_bidi(_conn, (nuint)streams);
            NgTcp2.ngtcp2_conn_extend_max_offset(_conn, (ulong)bytes);
            _endpoint.MarkDirty(this);
        }
    }

    /// <summary>Bytes queued on a stream that have not left yet.</summary>
    /// <returns>-1: nothing can be written to it any more.</returns>
    public int GetStreamUnsentBytes(long streamId) =>
        _state == State.Active && _streams.TryGetValue(streamId, out var stream) && !stream.WriteClosed
            ? (int)(stream.Buffer.End - stream.Buffer.Sent)
            : -1;

    private int OpenStream(out long streamId)
    {
        long id;
        var result = NgTcp2.ngtcp2_conn_open_bidi_stream(_conn, &id, null);
        streamId = id;
        if (result == 0)
        {
            _streams.Add(id, new QuicStream(id));
        }

        return result;
    }

    /// <summary>Queues a copy of <paramref name="data"/>; at most 256 KiB wait per stream until the peer has acknowledged them.</summary>
    /// <param name="fin">These are the last bytes.</param>
    /// <returns>False, and nothing is queued: no room now, or stream or connection are over.</returns>
    /// <exception cref="ArgumentException">More than could ever be queued at once.</exception>
    /// <exception cref="InvalidOperationException">The end was queued before.</exception>
    public bool TryWriteStream(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (data.Length > QuicLimits.MaxStreamBufferBytes)
        {
            throw new ArgumentException($"at most {QuicLimits.MaxStreamBufferBytes} bytes at once", nameof(data));
        }

        if (_state != State.Active || !_streams.TryGetValue(streamId, out var stream) || stream.WriteClosed || stream.Buffer.Room < data.Length)
        {
            return false;
        }

        if (stream.FinWanted)
        {
            throw new InvalidOperationException($"stream {streamId} was finished before");
        }

        var waited = stream.HasPending;
        stream.Buffer.Append(data);
        stream.FinWanted = fin;
        if (!waited && stream.HasPending)
        {
            _sending.Add(stream);
        }

        _endpoint.MarkDirty(this);
        return true;
    }

    /// <summary>Bytes queued and not yet acknowledged by the peer; 0 for a stream that is over.</summary>
    public int GetStreamPendingBytes(long streamId) => _streams.TryGetValue(streamId, out var stream) ? stream.Buffer.HeldBytes : 0;

    /// <summary>Gives up both directions of a stream (RESET_STREAM and STOP_SENDING); unknown streams are left alone.</summary>
    public void ResetStream(long streamId, ulong errorCode)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(errorCode, QuicLimits.MaxVarint);
        if (_state != State.Active || !_streams.TryGetValue(streamId, out var stream))
        {
            return;
        }

        StopWriting(stream);
        _ = NgTcp2.ngtcp2_conn_shutdown_stream(_conn, 0, streamId, errorCode);
        _endpoint.MarkDirty(this);
    }

    internal int StreamBlockCount(long streamId) => _streams.TryGetValue(streamId, out var stream) ? stream.Buffer.BlockCount : 0;

    private QuicStream? NextToSend()
    {
        foreach (var stream in _sending)
        {
            if (!stream.Blocked)
            {
                return stream;
            }
        }

        return null;
    }

    private void MarkStreamSent(QuicStream stream, ulong bytes, bool fin)
    {
        stream.Buffer.MarkSent(bytes);
        stream.FinSent |= fin && stream.Buffer.Sent == stream.Buffer.End;
        _sending.Remove(stream);
        if (stream.HasPending)
        {
            // Behind the others: each gets a packet in turn.
            _sending.Add(stream);
        }
    }

    /// <returns>True: only this stream cannot go on; try without it.</returns>
    private bool SkipStream(QuicStream stream, int error)
    {
        switch (error)
        {
            case NgTcp2Error.StreamDataBlocked:
                stream.Blocked = true;
                return true;
            case NgTcp2Error.StreamShutWr or NgTcp2Error.StreamNotFound:
                StopWriting(stream);
                return true;
            default:
                return false;
        }
    }

    private void UnblockStreams()
    {
        foreach (var stream in _sending)
        {
            stream.Blocked = false;
        }
    }

    private void StopWriting(QuicStream stream)
    {
        stream.WriteClosed = true;
        stream.Buffer.DropUnsent();
        _sending.Remove(stream);
    }
}
