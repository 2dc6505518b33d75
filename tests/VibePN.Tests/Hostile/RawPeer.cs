using System.Buffers;
using System.Net;
using VibePN.Control;
using VibePN.Quic;
using VibePN.Routing;
using VibePN.Tests.Sim;

namespace VibePN.Tests.Hostile;

/// <summary>A peer without a node: dials the target, says Hello like an honest one, and then sends whatever datagrams a test makes up.</summary>
internal sealed class RawPeer : QuicHandler, IDisposable
{
    private readonly Target _target;
    private readonly QuicCredentials _credentials;
    private readonly QuicEndpoint _endpoint;
    private readonly QuicConnection _connection;
    private readonly QuicPath _path;
    private readonly QuicPath _pathBack;
    private readonly ControlSession _session = new();
    private readonly List<ControlMessage> _messages = [];
    private readonly byte[] _packet = GC.AllocateUninitializedArray<byte>(9000, pinned: true);
    private bool _helloSent;
    private bool _isOpen;

    /// <param name="number">The last byte of all its addresses.</param>
    public RawPeer(Target target, TestIdentity identity, int number, QuicPath path)
    {
        _target = target;
        Number = number;
        _path = path;
        _pathBack = new QuicPath(path.Remote, path.Local);
        _credentials = QuicCredentials.FromPem(identity.Node.CertificatePem.Span, identity.Node.KeyPem.Span);
        _endpoint = new QuicEndpoint(
            new QuicEndpointOptions { Credentials = _credentials, ResetSecret = new byte[32], TokenSecret = new byte[32] },
            this);
        _connection = _endpoint.Connect(path, [Node.Alpn], target.Now);
    }

    public int Number { get; }

    public string Address => $"10.42.0.{Number}";

    public string Address6 => $"fd42::{Number}";

    /// <summary>Datagrams of the target on their way here.</summary>
    public Queue<byte[]> Inbox { get; } = new();

    /// <summary>Payloads of DATAGRAM frames that came.</summary>
    public List<byte[]> Received { get; } = [];

    public bool IsReady => _session.PeerNetworks is not null;

    public bool IsClosed => _connection.IsClosed;

    /// <summary>Under which the target takes packets of its network.</summary>
    public ulong Tag => _session.PeerNetworks!.Networks[0].Tag;

    public int MaxDatagramBytes => _connection.MaxDatagramBytes;

    public ulong NextDeadline => _endpoint.NextDeadline;

    /// <summary>Sends a packet behind the right tag.</summary>
    public void Send(byte flags, ReadOnlySpan<byte> packet) => SendRaw([(byte)Tag, flags, .. packet]);

    /// <summary>Sends one piece of a packet.</summary>
    public void SendFragment(byte flags, ushort id, int offset, int totalBytes, ReadOnlySpan<byte> piece) =>
        SendRaw([(byte)Tag, (byte)(flags | 2), (byte)(id >> 8), (byte)id, (byte)(offset >> 8), (byte)offset, (byte)(totalBytes >> 8), (byte)totalBytes, .. piece]);

    /// <summary>Sends one datagram and lets it arrive, however long the congestion window takes.</summary>
    public void SendRaw(ReadOnlySpan<byte> datagram)
    {
        Write(datagram);
        Finish();
        _target.Exchange();
    }

    /// <summary>Writes one datagram, several to a packet; <see cref="Finish"/> and an exchange let the last ones arrive.</summary>
    public void Write(ReadOnlySpan<byte> datagram)
    {
        while (true)
        {
            var result = _connection.WriteDatagram(datagram, default, _packet, more: true, out var written, _target.Now);
            if (result is DatagramWrite.Open or DatagramWrite.Written or DatagramWrite.PacketOnly)
            {
                _isOpen = result == DatagramWrite.Open;
            }

            Carry(written);
            switch (result)
            {
                case DatagramWrite.Open or DatagramWrite.Written:
                    return;
                case DatagramWrite.PacketOnly:
                    break;
                case DatagramWrite.Blocked:
                    _target.Step();
                    break;
                default:
                    throw new InvalidOperationException($"{result} for a datagram of {datagram.Length} bytes");
            }
        }
    }

    public void Finish()
    {
        if (_isOpen)
        {
            _isOpen = false;
            Carry(_connection.FinishPacket(_packet, _target.Now));
        }

        _connection.EndBurst(_target.Now);
    }

    /// <summary>Reads what has arrived and writes what there is to say.</summary>
    /// <returns>Whether anything happened.</returns>
    public bool Exchange()
    {
        Finish();
        var any = false;
        while (Inbox.TryDequeue(out var bytes))
        {
            any = true;
            _endpoint.Receive(_path, 0, bytes, _target.Now);
        }

        while (_endpoint.TakeDirty() is { } connection)
        {
            if (connection.IsHandshakeCompleted && !_helloSent)
            {
                _helloSent = true;
                connection.OpenStream();
                Say(new Hello(new Guid(Number, 0, 0, new byte[8]), "raw", [], null, 9000, false));
                Say(new NetworkList([new NetworkOffer(
                    "corp",
                    [Prefix.FromIPNetwork(IPNetwork.Parse("10.42.0.0/24")), Prefix.FromIPNetwork(IPNetwork.Parse("fd42::/64"))],
                    [IpKey.FromIPAddress(IPAddress.Parse(Address)), IpKey.FromIPAddress(IPAddress.Parse(Address6))],
                    9)]));
            }

            while (connection.WritePending(_packet, _target.Now) is { Bytes: > 0 } written)
            {
                any = true;
                Carry(written);
            }

            connection.EndBurst(_target.Now);
        }

        return any;
    }

    public void HandleDeadlines()
    {
        if (_endpoint.NextDeadline <= _target.Now.Nanos)
        {
            _endpoint.HandleDeadlines(_target.Now);
        }
    }

    public override TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now) => TlsAlert.Accept;

    public override void OnHandshakeCompleted(QuicConnection connection)
    {
    }

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now) => Received.Add(datagram.ToArray());

    public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        _session.Receive(data, _messages, _target.Now.Nanos);
        foreach (var message in _messages)
        {
            if (message is Keepalive asked)
            {
                Say(new KeepaliveReply(asked.Id, null));
            }
        }

        _messages.Clear();
    }

    public override void OnClosed(QuicConnection connection, QuicClose close)
    {
    }

    public void Dispose()
    {
        _endpoint.Dispose();
        _credentials.Dispose();
    }

    private void Say(ControlMessage message)
    {
        var writer = new ArrayBufferWriter<byte>();
        ControlCodec.Write(writer, message);
        _ = _connection.TryWriteStream(0, writer.WrittenSpan, fin: false);
    }

    private void Carry(in QuicPacket packet)
    {
        if (packet.Bytes > 0)
        {
            _target.Node.OnUdp(_pathBack, packet.Ecn, _packet.AsSpan(0, packet.Bytes), _target.Now);
        }
    }
}
