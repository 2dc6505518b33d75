using System.Buffers;
using System.Net;
using VibePN.Control;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN.Tests.Sim;

/// <summary>
/// A trusted peer that is no node: it speaks QUIC and says whatever a test wants, on the control stream and in datagrams. Where its
/// packets go, and what time it is, is up to the class that derives from it.
/// </summary>
internal abstract class RawDialer : QuicHandler, IDisposable
{
    private readonly QuicCredentials _credentials;
    private readonly Queue<byte[]> _stream = [];
    private readonly List<byte> _received = [];
    private readonly byte[] _packet = GC.AllocateUninitializedArray<byte>(65_507, pinned: true);
    private bool _isStreamOpen;
    private bool _isPacketOpen;

    protected RawDialer(ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> keyPem, params string[] acceptAlpn)
    {
        _credentials = QuicCredentials.FromPem(certificatePem, keyPem);
        Endpoint = new QuicEndpoint(
            new QuicEndpointOptions { Credentials = _credentials, AcceptAlpn = acceptAlpn, ResetSecret = new byte[32], TokenSecret = new byte[32] },
            this);
    }

    public ulong NextDeadline => Endpoint.NextDeadline;

    public QuicConnection? Connection { get; private set; }

    /// <summary>How the last connection ended, or null.</summary>
    public QuicClose? Closed { get; private set; }

    /// <summary>How a connection ended last, also when the node has dialed since.</summary>
    public QuicClose? LastClose { get; private set; }

    /// <summary>Connections that ended.</summary>
    public int Closures { get; private set; }

    /// <summary>What the node said.</summary>
    public List<ControlMessage> Messages { get; } = [];

    /// <summary>Datagrams that the node sent, with tag and flags.</summary>
    public List<byte[]> Datagrams { get; } = [];

    /// <summary>False: its QUIC lives on, and its node says nothing any more.</summary>
    public bool AnswersKeepalives { get; init; } = true;

    protected QuicEndpoint Endpoint { get; }

    protected abstract Instant Now { get; }

    /// <summary>The tag that the node chose for a network.</summary>
    public ulong TagOf(string network) => Messages.OfType<NetworkList>().Last().Networks.Single(offer => offer.Name == network).Tag;

    public void Say(ControlMessage message)
    {
        var writer = new ArrayBufferWriter<byte>();
        ControlCodec.Write(writer, message);
        SayBytes(writer.WrittenSpan.ToArray());
    }

    /// <summary>What its Hello says it understands.</summary>
    public IReadOnlyList<ulong> Features { get; init; } = [];

    public void SayHello(string name) => Say(new Hello(Guid.NewGuid(), name, Features, null, 9000, false));

    public void SayNetworks(params (string Name, string[] Prefixes, ulong Tag, string[] Addresses)[] networks) => Say(new NetworkList(
    [
        .. networks.Select(network => new NetworkOffer(
            network.Name,
            [.. network.Prefixes.Select(prefix => Prefix.FromIPNetwork(IPNetwork.Parse(prefix)))],
            [.. network.Addresses.Select(address => IpKey.FromIPAddress(IPAddress.Parse(address)))],
            network.Tag)),
    ]));

    /// <summary>Anything on the control stream.</summary>
    public void SayBytes(byte[] bytes)
    {
        _stream.Enqueue(bytes);
        Flush();
    }

    /// <summary>Writes one datagram, several to a packet: <see cref="Finish"/> sends the last of them.</summary>
    /// <returns>False: not now, the congestion window is full.</returns>
    public bool TryWrite(ReadOnlySpan<byte> datagram)
    {
        while (true)
        {
            var result = Connection!.WriteDatagram(datagram, default, _packet, more: true, out var written, Now);
            _isPacketOpen = result == DatagramWrite.Open || (_isPacketOpen && result is not (DatagramWrite.Written or DatagramWrite.PacketOnly));
            SendPacket(written);
            switch (result)
            {
                case DatagramWrite.Open or DatagramWrite.Written:
                    return true;
                case DatagramWrite.PacketOnly:
                    break;
                case DatagramWrite.Blocked:
                    return false;
                default:
                    throw new InvalidOperationException($"{result} for a datagram of {datagram.Length} bytes");
            }
        }
    }

    public void Finish()
    {
        if (_isPacketOpen)
        {
            _isPacketOpen = false;
            SendPacket(Connection!.FinishPacket(_packet, Now));
        }

        Connection?.EndBurst(Now);
    }

    /// <summary>Writes what there is to say.</summary>
    /// <returns>Whether there was anything.</returns>
    public virtual bool Flush()
    {
        if (_isPacketOpen)
        {
            Finish();
        }

        if (Connection is { IsClosed: false, IsHandshakeCompleted: true } ready)
        {
            Speak(ready);
        }

        var any = false;
        while (Endpoint.TakeDirty() is { } connection)
        {
            while (connection.WritePending(_packet, Now) is { Bytes: > 0 } written)
            {
                any = true;
                SendPacket(written);
            }

            connection.EndBurst(Now);
        }

        return any;
    }

    public override void OnAccepted(QuicConnection connection) => Begin(connection);

    public override TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now) => TlsAlert.Accept;

    public override void OnHandshakeCompleted(QuicConnection connection)
    {
    }

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now) => Datagrams.Add(datagram.ToArray());

    public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        _received.AddRange(data);
        while (ControlCodec.TryRead(_received.ToArray(), out var message) is var read and > 0)
        {
            _received.RemoveRange(0, read);
            if (message is not null)
            {
                Messages.Add(message);
            }

            if (AnswersKeepalives && message is Keepalive asked)
            {
                var writer = new ArrayBufferWriter<byte>();
                ControlCodec.Write(writer, new KeepaliveReply(asked.Id, null));
                _stream.Enqueue(writer.WrittenSpan.ToArray());
            }
        }
    }

    public override void OnClosed(QuicConnection connection, QuicClose close)
    {
        Closures++;
        LastClose = close;
        if (connection == Connection)
        {
            Closed = close;
        }
    }

    public virtual void Dispose()
    {
        Endpoint.Dispose();
        _credentials.Dispose();
    }

    /// <summary>Dials; what was queued before is forgotten.</summary>
    protected void Dial(in QuicPath path)
    {
        _stream.Clear();
        Begin(Endpoint.Connect(path, ["vibepn/1"], Now));
    }

    /// <summary>Sends one packet; nothing is kept of the span.</summary>
    protected abstract void Carry(in QuicPacket packet, ReadOnlySpan<byte> bytes);

    private void Begin(QuicConnection connection)
    {
        Connection = connection;
        Closed = null;
        Messages.Clear();
        _received.Clear();
        _isStreamOpen = false;
        _isPacketOpen = false;
    }

    private void Speak(QuicConnection connection)
    {
        if (connection.IsDialer && !_isStreamOpen)
        {
            _isStreamOpen = true;
            connection.OpenStream();
        }

        // An acceptor answers on the stream that the node opened.
        while ((connection.IsDialer || Messages.Count > 0) && _stream.TryPeek(out var bytes) && connection.TryWriteStream(0, bytes, fin: false))
        {
            _stream.Dequeue();
        }

        connection.EndBurst(Now);
    }

    private void SendPacket(in QuicPacket packet)
    {
        if (packet.Bytes > 0)
        {
            Carry(packet, _packet.AsSpan(0, packet.Bytes));
        }
    }
}
