using System.Net;
using VibePN.Control;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN.Tests.Sim;

/// <summary>A trusted peer that is no node, as a machine of a simulated network.</summary>
internal sealed class RawPeer : RawDialer, ISimMachine
{
    private readonly SimNetwork _network;
    private readonly Queue<byte[]> _datagrams = [];

    public RawPeer(SimNetwork network, string name, int number)
        : base(network.Identity(name).Node.CertificatePem.Span, network.Identity(name).Node.KeyPem.Span, "vibepn/1")
    {
        _network = network;
        Name = name;
        EndPoint = SimNetwork.Outer(number);
        Id = network.Identity(name).Node.Id;
        network.Add(this);
    }

    public string Name { get; }

    public PeerId Id { get; }

    public IPEndPoint EndPoint { get; }

    public bool IsRunning => true;

    /// <summary>Connections that the node dialed.</summary>
    public int Accepted { get; private set; }

    protected override Instant Now => _network.Now;

    /// <summary>Dials; what was queued before is forgotten.</summary>
    public void Connect(SimHost to)
    {
        _datagrams.Clear();
        Dial(new QuicPath(new QuicAddress(SockAddr.FromIPEndPoint(EndPoint).Bytes), new QuicAddress(SockAddr.FromIPEndPoint(to.EndPoint).Bytes)));
    }

    /// <summary>Hello, and a list of one network; then everything that arrives within a second.</summary>
    public void Join(SimHost to, string network, string prefix, ulong tag, params string[] addresses)
    {
        Connect(to);
        SayHello(Name);
        SayNetworks((network, prefix, tag, addresses));
        _network.Run(TimeSpan.FromSeconds(1));
    }

    public void SayNetworks(params (string Name, string Prefix, ulong Tag, string[] Addresses)[] networks) =>
        SayNetworks([.. networks.Select(network => (network.Name, (string[])[network.Prefix], network.Tag, network.Addresses))]);

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
        Endpoint.Receive(path, ecn, datagram, _network.Now);
        Flush();
    }

    public void OnDeadline()
    {
        Endpoint.HandleDeadlines(_network.Now);
        Flush();
    }

    public void Check()
    {
    }

    public override bool Flush()
    {
        var any = base.Flush();
        if (Connection is { IsClosed: false, IsHandshakeCompleted: true })
        {
            while (_datagrams.TryPeek(out var datagram) && TryWrite(datagram))
            {
                _datagrams.Dequeue();
                any = true;
            }

            Finish();
        }

        return any;
    }

    void ISimMachine.Flush() => Flush();

    public override void OnAccepted(QuicConnection connection)
    {
        Accepted++;
        base.OnAccepted(connection);
    }

    protected override void Carry(in QuicPacket packet, ReadOnlySpan<byte> bytes)
    {
        if (SockAddr.TryFromBytes(packet.Path.Remote.Bytes, out var remote))
        {
            _network.Carry(this, remote.ToIPEndPoint(), packet.Ecn, bytes);
        }
    }
}
