using System.Net;
using VibePN.Config;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN.Tests.Sim;

/// <summary>One real node in a <see cref="SimNetwork"/>: its socket and its interfaces are lists.</summary>
internal sealed class SimHost : NodeOutput, IDisposable
{
    private readonly SimNetwork _network;
    private readonly TestIdentity _identity;
    private readonly QuicCredentials _credentials;
    private NodeMemory _memory = NodeMemory.Empty;
    private int _boots;

    public SimHost(SimNetwork network, string name, IPEndPoint endPoint, TestIdentity identity, NodeConfig config)
    {
        _network = network;
        _identity = identity;
        _credentials = QuicCredentials.FromPem(identity.Node.CertificatePem.Span, identity.Node.KeyPem.Span);
        Name = name;
        EndPoint = endPoint;
        Config = config;
        Boot();
    }

    public string Name { get; }

    /// <summary>Where its datagrams come from.</summary>
    public IPEndPoint EndPoint { get; set; }

    public NodeConfig Config { get; }

    public Node? Node { get; private set; }

    public PeerId Id => _identity.Node.Id;

    /// <summary>Packets given to the host, with the index of their network.</summary>
    public List<(int Network, byte[] Packet)> Delivered { get; } = [];

    public RecordingLogger Logger { get; } = new();

    public NodeSnapshot Snapshot => Node!.Snapshot(_network.Now);

    public PeerSnapshot Peer(string name) => Snapshot.Peers.Single(peer => peer.Name == name);

    /// <summary>Starts the process anew: same identity, new boot id, no memory.</summary>
    public void Boot()
    {
        var bootId = new byte[16];
        bootId[0] = (byte)++_boots;
        Node = new Node(
            new NodeOptions
            {
                Config = Config,
                Identity = _identity.Node,
                Credentials = _credentials,
                Memory = _memory,
                InterfaceIndexes = [.. Config.Networks.Select((_, i) => i + 1)],
                BootId = new Guid(bootId),
                Random = new Random(HashCode.Combine(_network.Seed, Name, _boots)),
                ResetSecret = new byte[32],
                TokenSecret = new byte[32],
            },
            this,
            Logger,
            _network.Now);
    }

    /// <summary>kill -9: no packet leaves any more. What the node had to remember was written down.</summary>
    public void Kill()
    {
        _memory = Node?.Memory ?? _memory;
        Node?.Dispose();
        Node = null;
    }

    /// <summary>The host sends a packet into a network.</summary>
    public void Send(int network, byte[] packet)
    {
        Node!.OnTun(network, default, packet, _network.Now);
        Node.Flush(_network.Now);
    }

    public override bool Transmit(UdpSendBatch batch)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            var datagram = batch[i];
            _network.Carry(this, datagram.Remote.ToIPEndPoint(), datagram.Ecn, datagram.Bytes);
        }

        batch.Clear();
        return true;
    }

    public override DropReason? Deliver(int network, ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        Delivered.Add((network, packet.ToArray()));
        return null;
    }

    public override void Resolve(string peer, HostPort address) => throw new NotSupportedException("the simulation has no names");

    public override SockAddr? LocalAddressTowards(IPEndPoint remote) => SockAddr.FromIPEndPoint(EndPoint);

    public override SockAddr? RemoteAddress(IPEndPoint remote) => SockAddr.FromIPEndPoint(remote);

    public void Dispose()
    {
        Kill();
        _credentials.Dispose();
    }
}
