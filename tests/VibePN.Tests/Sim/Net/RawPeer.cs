using System.Buffers;
using System.Net;
using VibePN.Control;
using VibePN.Linux;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN.Tests.Sim;

/// <summary>A trusted peer that is no node: it speaks QUIC and says whatever a test wants.</summary>
internal sealed class RawPeer : QuicHandler, ISimMachine
{
    private readonly SimNetwork _network;
    private readonly QuicCredentials _credentials;
    private readonly QuicEndpoint _endpoint;
    private readonly byte[] _packet = new byte[65_507];
    private readonly Queue<byte[]> _datagrams = [];
    private readonly Queue<byte[]> _stream = [];
    private readonly List<byte> _received = [];
    private bool _isOpen;

    public RawPeer(SimNetwork network, string name, int number)
    {
        _network = network;
        Name = name;
        EndPoint = SimNetwork.Outer(number);
        var identity = TestIdentity.Get(name).Node;
        Id = identity.Id;
        _credentials = QuicCredentials.FromPem(identity.CertificatePem.Span, identity.KeyPem.Span);
        _endpoint = new QuicEndpoint(
            new QuicEndpointOptions { Credentials = _credentials, AcceptAlpn = ["vibepn/1"], ResetSecret = new byte[32], TokenSecret = new byte[32] },
            this);
        network.Add(this);
    }

    public string Name { get; }

    public PeerId Id { get; }

    public IPEndPoint EndPoint { get; }

    public bool IsRunning => true;

    public ulong NextDeadline => _endpoint.NextDeadline;

    /// <summary>False: its QUIC lives on, and its node says nothing any more.</summary>
    public bool AnswersKeepalives { get; init; } = true;

    public QuicConnection? Connection { get; private set; }

    /// <summary>How the last connection ended, or null.</summary>
    public QuicClose? Closed { get; private set; }

    /// <summary>Connections that ended.</summary>
    public int Closures { get; private set; }

    /// <summary>Connections that the node dialed.</summary>
    public int Accepted { get; private set; }

    /// <summary>What the node said.</summary>
    public List<ControlMessage> Messages { get; } = [];

    /// <summary>Datagrams that the node sent, with tag and flags.</summary>
    public List<byte[]> Datagrams { get; } = [];

    /// <summary>The tag that the node chose for a network.</summary>
    public ulong TagOf(string network) => Messages.OfType<NetworkList>().Last().Networks.Single(offer => offer.Name == network).Tag;

    /// <summary>Dials; what was queued before is forgotten.</summary>
    public void Connect(SimHost to)
    {
        _isOpen = false;
        Closed = null;
        _stream.Clear();
        _datagrams.Clear();
        _received.Clear();
        Messages.Clear();
        var path = new QuicPath(new QuicAddress(SockAddr.FromIPEndPoint(EndPoint).Bytes), new QuicAddress(SockAddr.FromIPEndPoint(to.EndPoint).Bytes));
        Connection = _endpoint.Connect(path, ["vibepn/1"], _network.Now);
    }

    /// <summary>Hello, and a list of one network; then everything that arrives within a second.</summary>
    public void Join(SimHost to, string network, string prefix, ulong tag, params string[] addresses)
    {
        Connect(to);
        Say(new Hello(Guid.NewGuid(), Name, [], null, 9000, false));
        SayNetworks((network, prefix, tag, addresses));
        _network.Run(TimeSpan.FromSeconds(1));
    }

    public void SayNetworks(params (string Name, string Prefix, ulong Tag, string[] Addresses)[] networks) => Say(new NetworkList(
    [
        .. networks.Select(network => new NetworkOffer(
            network.Name,
            [Prefix.FromIPNetwork(IPNetwork.Parse(network.Prefix))],
            [.. network.Addresses.Select(address => IpKey.FromIPAddress(IPAddress.Parse(address)))],
            network.Tag)),
    ]));

    public void Say(ControlMessage message) => SayBytes(Encode(message));

    /// <summary>Anything on the control stream.</summary>
    public void SayBytes(byte[] bytes)
    {
        _stream.Enqueue(bytes);
        Flush();
    }

    /// <summary>Anything as a datagram.</summary>
    public void SendDatagram(byte[] datagram)
    {
        _datagrams.Enqueue(datagram);
        Flush();
    }

    /// <summary>An IP packet under a tag.</summary>
    public void SendPacket(ulong tag, byte[] packet, byte flags = 0)
    {
        var datagram = new byte[VarInt.MaxBytes + 1 + packet.Length];
        var bytes = VarInt.Write(datagram, tag);
        datagram[bytes++] = flags;
        packet.CopyTo(datagram.AsSpan(bytes));
        SendDatagram(datagram[..(bytes + packet.Length)]);
    }

    public void Receive(in QuicPath path, byte ecn, byte[] datagram)
    {
        _endpoint.Receive(path, ecn, datagram, _network.Now);
        Flush();
    }

    public void OnDeadline()
    {
        _endpoint.HandleDeadlines(_network.Now);
        Flush();
    }

    public void Check()
    {
    }

    public void Flush()
    {
        if (Connection is { IsClosed: false, IsHandshakeCompleted: true } ready)
        {
            Speak(ready);
        }

        while (_endpoint.TakeDirty() is { } connection)
        {
            while (connection.WritePending(_packet, _network.Now) is { Bytes: > 0 } written)
            {
                Send(written);
            }

            connection.EndBurst(_network.Now);
        }
    }

    public override void OnAccepted(QuicConnection connection)
    {
        Accepted++;
        Connection = connection;
        Closed = null;
        Messages.Clear();
        _received.Clear();
    }

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

            if (message is Keepalive keepalive && AnswersKeepalives)
            {
                // Sent by the flush that follows: not from inside the callback.
                _stream.Enqueue(Encode(new KeepaliveReply(keepalive.Id, null)));
            }
        }
    }

    public override void OnClosed(QuicConnection connection, QuicClose close)
    {
        Closures++;
        if (connection == Connection)
        {
            Closed = close;
        }
    }

    public void Dispose()
    {
        _endpoint.Dispose();
        _credentials.Dispose();
    }

    private static byte[] Encode(ControlMessage message)
    {
        var writer = new ArrayBufferWriter<byte>();
        ControlCodec.Write(writer, message);
        return writer.WrittenSpan.ToArray();
    }

    private void Speak(QuicConnection connection)
    {
        if (connection.IsDialer && !_isOpen)
        {
            _isOpen = true;
            connection.OpenStream();
        }

        // An acceptor answers on the stream that the node opened.
        while ((connection.IsDialer || Messages.Count > 0) && _stream.TryPeek(out var bytes) && connection.TryWriteStream(0, bytes, fin: false))
        {
            _stream.Dequeue();
        }

        while (_datagrams.TryPeek(out var datagram))
        {
            var result = connection.WriteDatagram(datagram, default, _packet, more: false, out var written, _network.Now);
            Send(written);
            if (result == DatagramWrite.Blocked)
            {
                break;
            }

            if (result != DatagramWrite.PacketOnly)
            {
                _datagrams.Dequeue();
            }
        }

        connection.EndBurst(_network.Now);
    }

    private void Send(in QuicPacket packet)
    {
        if (packet.Bytes > 0 && SockAddr.TryFromBytes(packet.Path.Remote.Bytes, out var remote))
        {
            _network.Carry(this, remote.ToIPEndPoint(), packet.Ecn, _packet.AsSpan(0, packet.Bytes));
        }
    }
}
