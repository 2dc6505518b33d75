using System.Net;

namespace VibePN.Control;

/// <summary>
/// The control stream of one connection: bytes in, checked messages out. It enforces the order (Hello first, once), the time for it,
/// and that a tag is never used twice; it decides nothing else. Thread: the node's.
/// </summary>
internal sealed class ControlSession
{
    /// <summary>The peer's Hello must be read within this time of the handshake (docs/protocol.md, Roles).</summary>
    public const ulong HelloTimeoutNanos = 5_000_000_000;

    /// <summary>A keepalive is sent after this long without one.</summary>
    public const ulong KeepaliveIntervalNanos = 10_000_000_000;

    /// <summary>A keepalive that is not answered within this time: nobody is there any more (docs/protocol.md, Liveness).</summary>
    public const ulong EchoTimeoutNanos = 20_000_000_000;

    private HashSet<ulong>? _tagsSeen;
    private byte[] _partial = [];
    private int _partialBytes;
    private ulong _nextKeepaliveId = 1;
    private ulong _keepaliveSentAt;

    /// <summary>The oldest keepalive without an answer; meaningful while <see cref="EchoDeadlineNanos"/> is set.</summary>
    private ulong _awaitedId;

    /// <summary>Set when the peer's Hello has been read: only then is the connection up.</summary>
    public Hello? PeerHello { get; private set; }

    public NetworkList? PeerNetworks { get; private set; }

    /// <summary>Round trip of the last answered keepalive, through both control planes; zero before the first.</summary>
    public TimeSpan EchoRtt { get; private set; }

    /// <summary>When the peer is given up unless it answers before; <see cref="ulong.MaxValue"/>: no answer is due.</summary>
    public ulong EchoDeadlineNanos { get; private set; } = ulong.MaxValue;

    /// <summary>Takes bytes of the stream in order and appends the messages they complete.</summary>
    /// <exception cref="ControlException">The peer broke the protocol: close the connection with its reason.</exception>
    public void Receive(ReadOnlySpan<byte> data, List<ControlMessage> messages, ulong nowNanos)
    {
        if (_partialBytes > 0)
        {
            Append(data);
            var consumed = ReadAll(_partial.AsSpan(0, _partialBytes), messages, nowNanos);
            _partial.AsSpan(consumed, _partialBytes - consumed).CopyTo(_partial);
            _partialBytes -= consumed;
        }
        else
        {
            Append(data[ReadAll(data, messages, nowNanos)..]);
        }

        if (_partialBytes == 0)
        {
            _partial = [];
        }
    }

    /// <summary>The next keepalive to send; the reply's id tells its round trip.</summary>
    public Keepalive NextKeepalive(IPEndPoint? observed, ulong nowNanos)
    {
        if (EchoDeadlineNanos == ulong.MaxValue)
        {
            EchoDeadlineNanos = nowNanos + EchoTimeoutNanos;
            _awaitedId = _nextKeepaliveId;
        }

        _keepaliveSentAt = nowNanos;
        return new Keepalive(_nextKeepaliveId++, observed);
    }

    private int ReadAll(ReadOnlySpan<byte> source, List<ControlMessage> messages, ulong nowNanos)
    {
        var consumed = 0;
        while (ControlCodec.TryRead(source[consumed..], out var message) is var read and > 0)
        {
            consumed += read;
            if (message is not null)
            {
                Check(message, nowNanos);
                messages.Add(message);
            }
        }

        return consumed;
    }

    private void Check(ControlMessage message, ulong nowNanos)
    {
        if (message is Hello hello)
        {
            PeerHello = PeerHello is null ? hello : throw new ControlException(CloseReason.Malformed, "a second Hello");
            return;
        }

        if (PeerHello is null)
        {
            throw new ControlException(CloseReason.Malformed, $"{message.GetType().Name} before Hello");
        }

        switch (message)
        {
            case NetworkList list:
                CheckTags(list);
                PeerNetworks = list;
                break;
            case KeepaliveReply reply when EchoDeadlineNanos != ulong.MaxValue && reply.Id >= _awaitedId && reply.Id < _nextKeepaliveId:
                OnReply(reply.Id, nowNanos);
                break;
        }
    }

    private void OnReply(ulong id, ulong nowNanos)
    {
        if (id == _nextKeepaliveId - 1)
        {
            EchoRtt = TimeSpan.FromMicroseconds((nowNanos - _keepaliveSentAt) / 1000.0);
            EchoDeadlineNanos = ulong.MaxValue;
        }
        else
        {
            // A late answer: somebody is there, and owes us the younger ones.
            _awaitedId = id + 1;
            EchoDeadlineNanos = nowNanos + EchoTimeoutNanos;
        }
    }

    /// <summary>A tag stays with its network for the connection's life; a network keeps its tag.</summary>
    private void CheckTags(NetworkList list)
    {
        _tagsSeen ??= [];
        var names = new HashSet<string>();
        foreach (var network in list.Networks)
        {
            if (!names.Add(network.Name))
            {
                throw new ControlException(CloseReason.Malformed, $"network {network.Name} twice in a list");
            }

            var known = PeerNetworks?.Networks.FirstOrDefault(old => old.Name == network.Name);
            if (known?.Tag != network.Tag && !_tagsSeen.Add(network.Tag))
            {
                throw new ControlException(CloseReason.Malformed, $"network tag {network.Tag} used twice");
            }

            if (_tagsSeen.Count > Limits.TagsPerConnection)
            {
                throw new ControlException(CloseReason.LimitExceeded, $"more than {Limits.TagsPerConnection} network tags");
            }
        }
    }

    private void Append(ReadOnlySpan<byte> data)
    {
        var needed = _partialBytes + data.Length;
        if (needed > _partial.Length)
        {
            // Bounded: what is kept is less than one message, and data at most the stream's window.
            Array.Resize(ref _partial, needed);
        }

        data.CopyTo(_partial.AsSpan(_partialBytes));
        _partialBytes = needed;
    }
}
