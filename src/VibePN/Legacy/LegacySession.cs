using System.Buffers;
using VibePN.Control;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN.Legacy;

/// <summary>
/// One connection with a peer of <c>vibepn/0.1</c>, beside the <see cref="ControlSession"/> of our own protocol: the control stream in both
/// directions, the data streams, what the peer announced and what it was told. It knows what was said and decides nothing. Thread: the node's.
/// </summary>
internal sealed class LegacySession
{
    public const string Alpn = "vibepn/0.1";

    /// <summary>Silence of the peer's node that ends the connection.</summary>
    public const ulong DeadNanos = 30_000_000_000;

    /// <summary>Streams that the peer may have open, in addition to those it has before the protocol is known: it opens one for each packet.</summary>
    private const int MoreStreams = 1020;

    /// <summary>Bytes under way to us, in addition.</summary>
    private const int MoreBytes = 2 << 20;

    private readonly QuicConnection _quic;
    private readonly ArrayBufferWriter<byte> _outgoing;
    private readonly ulong _nonce;
    private readonly Dictionary<string, SortedDictionary<Prefix, ushort>> _announced = [];
    private readonly Dictionary<string, IReadOnlyList<Prefix>> _told = [];
    private byte[] _partial = [];
    private int _partialBytes;
    private long _receivedMalformed;

    /// <param name="quic">Its handshake has chosen <see cref="Alpn"/>. It is told to take more streams.</param>
    /// <param name="outgoing">Where messages are written before they are queued.</param>
    /// <param name="nonce">Of the Hello: random.</param>
    /// <param name="packets">Takes what arrives on data streams.</param>
    public LegacySession(QuicConnection quic, ArrayBufferWriter<byte> outgoing, ulong nonce, LegacyPacketHandler packets)
    {
        _quic = quic;
        _outgoing = outgoing;
        _nonce = nonce;
        Receiver = new LegacyReceiver(packets);
        Sender = new LegacySender(quic);
        quic.TakesOneWayStreams = true;
        quic.AllowMore(MoreStreams, MoreBytes);
    }

    /// <summary>What a peer of this protocol cannot do, in words.</summary>
    public static IReadOnlyList<string> Lacks { get; } =
    [
        "no dialing of this node: it is dialed only",
        "no datagrams: packets go on streams, a lost one holds up those behind it",
        "no loss repair",
        "no packet size of the path",
        "no own addresses: it announces whole prefixes, and owns what no other peer does",
        "no IPv6 addresses of this node",
        "no word on refused addresses",
        "no round trip through both nodes",
    ];

    /// <summary>The peer's Hello was read.</summary>
    public bool IsUp { get; private set; }

    /// <summary>When the peer is given up unless its node says something before; <see cref="ulong.MaxValue"/>: not up.</summary>
    public ulong DeadlineNanos { get; private set; } = ulong.MaxValue;

    public LegacyReceiver Receiver { get; }

    public LegacySender Sender { get; }

    public void SendHello()
    {
        _outgoing.ResetWrittenCount();
        LegacyCodec.WriteHello(_outgoing, _nonce);
        Send();
    }

    public void SendKeepalive(long utcSeconds)
    {
        _outgoing.ResetWrittenCount();
        LegacyCodec.WriteKeepalive(_outgoing, utcSeconds);
        Send();
    }

    public void SendGoodbye()
    {
        _outgoing.ResetWrittenCount();
        LegacyCodec.WriteGoodbye(_outgoing);
        Send();
    }

    /// <summary>Announces what leads here in a network and withdraws what does no more, unless the peer knows already.</summary>
    public void Tell(string network, IReadOnlyList<Prefix> prefixes)
    {
        var before = _told.GetValueOrDefault(network) ?? [];
        if (before.SequenceEqual(prefixes))
        {
            return;
        }

        _told[network] = prefixes;
        _outgoing.ResetWrittenCount();
        foreach (var gone in before.Except(prefixes))
        {
            LegacyCodec.WriteWithdraw(_outgoing, network, gone);
        }

        LegacyCodec.WriteAnnounce(_outgoing, network, [.. prefixes.Except(before)], metric: 0);
        Send();
    }

    /// <summary>Networks of which the peer was told something.</summary>
    public IReadOnlyList<string> ToldNetworks => [.. _told.Where(told => told.Value.Count > 0).Select(told => told.Key)];

    /// <summary>What the peer announces in a network at the moment.</summary>
    public IReadOnlyCollection<KeyValuePair<Prefix, ushort>> AnnouncedIn(string network) =>
        _announced.TryGetValue(network, out var routes) ? routes : [];

    /// <summary>Takes bytes of the control stream in order.</summary>
    /// <exception cref="ControlException">The peer broke the protocol: close the connection with its reason.</exception>
    public IReadOnlyList<LegacyMessage> Receive(ReadOnlySpan<byte> data, ulong nowNanos)
    {
        List<LegacyMessage> messages = [];
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

        _partial = _partialBytes == 0 ? [] : _partial;
        return messages;
    }

    /// <summary>Frames that were none, since it was last asked.</summary>
    public int TakeMalformed()
    {
        var count = (int)(Receiver.Malformed - _receivedMalformed);
        _receivedMalformed = Receiver.Malformed;
        return count;
    }

    private int ReadAll(ReadOnlySpan<byte> source, List<LegacyMessage> messages, ulong nowNanos)
    {
        var consumed = 0;
        while (LegacyCodec.TryRead(source[consumed..], out var message) is var read and > 0)
        {
            consumed += read;
            if (message is null)
            {
                continue;
            }

            if (!IsUp && message is not LegacyHello)
            {
                throw new ControlException(CloseReason.Malformed, $"{message.GetType().Name} before Hello");
            }

            Keep(message, nowNanos);
            messages.Add(message);
        }

        return consumed;
    }

    private void Keep(LegacyMessage message, ulong nowNanos)
    {
        switch (message)
        {
            case LegacyHello when IsUp:
                throw new ControlException(CloseReason.Malformed, "a second Hello");
            case LegacyHello:
                IsUp = true;
                DeadlineNanos = nowNanos + DeadNanos;
                break;
            case LegacyKeepalive:
                DeadlineNanos = nowNanos + DeadNanos;
                break;
            case LegacyAnnounce announce when announce.Network.Length > 0:
                Keep(announce);
                break;
            case LegacyWithdraw { Prefix: { } prefix } withdraw when _announced.TryGetValue(withdraw.Network, out var routes):
                routes.Remove(prefix);
                break;
        }
    }

    /// <summary>Adds routes or renews them.</summary>
    private void Keep(LegacyAnnounce announce)
    {
        if (!_announced.TryGetValue(announce.Network, out var routes))
        {
            if (_announced.Count >= Limits.NetworksPerPeer)
            {
                throw new ControlException(CloseReason.LimitExceeded, $"more than {Limits.NetworksPerPeer} networks");
            }

            _announced[announce.Network] = routes = [];
        }

        foreach (var (prefix, metric) in announce.Routes)
        {
            routes[prefix] = metric;
            if (routes.Count > Limits.RoutesPerPeerAndNetwork)
            {
                throw new ControlException(CloseReason.LimitExceeded, $"more than {Limits.RoutesPerPeerAndNetwork} routes in network {announce.Network}");
            }
        }
    }

    private void Send()
    {
        if (_outgoing.WrittenCount > 0 && !_quic.IsClosed
            && (_outgoing.WrittenCount > MaxQueuedBytes || !_quic.TryWriteStream(Peers.PeerConnection.ControlStream, _outgoing.WrittenSpan, fin: false)))
        {
            _quic.Close((ulong)CloseReason.LimitExceeded, "the control stream is not read");
        }
    }

    /// <summary>What a stream takes at once.</summary>
    private const int MaxQueuedBytes = 256 * 1024;

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
