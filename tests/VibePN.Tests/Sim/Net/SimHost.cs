using System.Net;
using System.Security.Cryptography;
using System.Text;
using VibePN.Config;
using VibePN.Identity;
using VibePN.Linux;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN.Tests.Sim;

/// <summary>One real node in a <see cref="SimNetwork"/>: its socket and its interfaces are lists.</summary>
internal sealed class SimHost : NodeOutput, ISimMachine
{
    private readonly SimNetwork _network;
    private TestIdentity _identity;
    private QuicCredentials _credentials;
    private readonly List<string> _networkNames = [];
    private readonly Dictionary<PeerId, QuicCredentials> _joins = [];
    private readonly List<QuicCredentials> _allJoins = [];
    private NodeMemory _memory = NodeMemory.Empty;
    private int _memoryVersion;
    private int _boots;
    private Node? _node;
    private NodeSnapshot? _snapshot;
    private ulong _snapshotNanos;

    public SimHost(SimNetwork network, string name, IPEndPoint endPoint, TestIdentity identity, NodeConfig config)
    {
        _network = network;
        _identity = identity;
        _credentials = QuicCredentials.FromPem(identity.Chain ?? identity.Node.CertificatePem.Span, identity.Node.KeyPem.Span);
        Name = name;
        EndPoint = endPoint;
        Config = config;
        Boot();
    }

    public string Name { get; }

    /// <summary>Where its datagrams come from.</summary>
    public IPEndPoint EndPoint { get; set; }

    /// <summary>A socket of before that is still open, or null.</summary>
    public IPEndPoint? OldEndPoint { get; private set; }

    public bool IsAt(IPEndPoint at) => EndPoint.Equals(at) || at.Equals(OldEndPoint);

    public NodeConfig Config { get; private set; }

    /// <summary>Whoever asks for it may change it.</summary>
    public Node? Node
    {
        get
        {
            _snapshot = null;
            return _node;
        }
    }

    /// <summary>Its processor sleeps, and all time that passes passes at once when it wakes.</summary>
    public bool IsAsleep { get; private set; }

    public bool IsRunning => _node is not null && !IsAsleep;

    public ulong NextDeadline => _node?.NextDeadline ?? ulong.MaxValue;

    public PeerId Id => _identity.Node.Id;

    /// <summary>Packets given to the host, with the index of their network.</summary>
    public List<(int Network, byte[] Packet)> Delivered { get; } = [];

    public RecordingLogger Logger { get; } = new();

    /// <summary>What becomes of what the node has to remember.</summary>
    public SimDisk Disk { get; set; }

    /// <summary>What is on its disk.</summary>
    public NodeMemory OnDisk => _memory;

    /// <summary>Inviters that have yet to accept what is presented to them.</summary>
    public IEnumerable<PeerId> PendingJoins => _joins.Keys;

    /// <summary>Taken once for each moment and turn: with 200 nodes the tests would do little else.</summary>
    public NodeSnapshot Snapshot
    {
        get
        {
            if (_snapshot is null || _snapshotNanos != _network.Now.Nanos)
            {
                _snapshot = _node!.Snapshot(_network.Now);
                _snapshotNanos = _network.Now.Nanos;
            }

            return _snapshot;
        }
    }

    public PeerSnapshot Peer(string name) => Snapshot.Peers.Single(peer => peer.Name == name);

    /// <summary>Starts the process anew: same identity, new boot id, no memory.</summary>
    public void Boot()
    {
        var bootId = new byte[16];
        bootId[0] = (byte)++_boots;
        _snapshot = null;
        _networkNames.Clear();
        _networkNames.AddRange(Config.Networks.Select(network => network.Name));
        _node = new Node(
            new NodeOptions
            {
                Config = Config,
                Identity = _identity.Node,
                Credentials = _credentials,
                Memory = _memory,
                InterfaceIndexes = [.. Config.Networks.Select((_, i) => i + 1)],
                BootId = new Guid(bootId),
                Random = new Random((int)SimDice.Hash($"{_network.Seed} {Name} {_boots}")),
                ResetSecret = SHA256.HashData(Encoding.UTF8.GetBytes("reset " + Name)),
                TokenSecret = SHA256.HashData(Encoding.UTF8.GetBytes("token " + Name)),
            },
            this,
            Logger,
            _network.Now);
        _memoryVersion = _node.MemoryVersion;
        _node.SetJoins(_joins, _network.Now);
    }

    /// <summary>What the host has after a rotation; a node that runs takes it into use.</summary>
    public void ChangeKey(TestIdentity identity)
    {
        _identity = identity;
        _allJoins.Add(_credentials);
        _credentials = QuicCredentials.FromPem(identity.Chain ?? identity.Node.CertificatePem.Span, identity.Node.KeyPem.Span);
        if (_node is not null)
        {
            _node.ChangeKey(identity.Node.Lineage, _credentials, _network.Now);
            AfterCall();
        }
    }

    /// <summary>Presents an invite's proof to whoever made it, from now on.</summary>
    public void Present(Invite invite) => Present(invite.Inviter, InviteProof.Make(invite.Id, invite.Secret.Span, Id, invite.Inviter));

    public void Present(PeerId inviter, InviteProof proof) => Present(inviter, InviteStatement.Encode(proof));

    /// <summary>Any bytes in the place of a statement.</summary>
    public void Present(PeerId inviter, byte[] statement)
    {
        _joins[inviter] = QuicCredentials.FromPem([.. _identity.Node.CertificatePem.Span, .. Encoding.ASCII.GetBytes("\n" + TestStatement.Pem(statement))], _identity.Node.KeyPem.Span);
        _allJoins.Add(_joins[inviter]);
        _node!.SetJoins(_joins, _network.Now);
        AfterCall();
    }

    /// <summary>Has the node make an invite.</summary>
    public Invite Invite(string? joinerName = null, TimeSpan? lifetime = null, string network = "corp", params string[] routes)
    {
        var secret = new byte[VibePN.Identity.Invite.SecretBytes];
        var dice = new Random((int)SimDice.Hash($"{_network.Seed} {Name} invite {Node!.Invites.Count}"));
        dice.NextBytes(secret);
        var id = new InviteId(new UInt128((ulong)dice.NextInt64(), (ulong)dice.NextInt64()));
        var (now, end) = (_network.Now.UtcSeconds, _network.Now.UtcSeconds + (long)(lifetime ?? TimeSpan.FromDays(1)).TotalSeconds);
        IPNetwork[] allowed = [.. routes.Select(IPNetwork.Parse)];
        var problem = Node.AddInvite(
            new IssuedInvite { Id = id, Key = secret, Network = network, JoinerName = joinerName, Routes = allowed, CreatedUtcSeconds = now, ExpiresUtcSeconds = end },
            _network.Now);
        Flush();
        return problem is null
            ? new Invite
            {
                Id = id,
                Secret = secret,
                Inviter = Id,
                InviterName = Name,
                Addresses = [new HostPort(EndPoint.Address.ToString(), (ushort)EndPoint.Port)],
                Network = network,
                Prefixes = Config.Networks.Single(own => own.Name == network).Prefixes,
                ExpiresUtcSeconds = end,
                JoinerName = joinerName,
                Routes = allowed,
            }
            : throw new InvalidOperationException(problem);
    }

    public override void Joined(PeerId inviter) => _joins.Remove(inviter);

    /// <summary>What the loop does when the node has learned something.</summary>
    private void Remember()
    {
        if (_node!.MemoryVersion == _memoryVersion || Disk == SimDisk.Hangs)
        {
            return;
        }

        _memoryVersion = _node.MemoryVersion;
        var memory = _node.Memory;
        _memory = Disk == SimDisk.Works ? memory : _memory;
        _node.OnTrustSaved(memory.Trust.Version, Disk == SimDisk.Works, _network.Now);
        _node.Flush(_network.Now);
    }

    /// <summary>The config changes while nothing runs.</summary>
    public void ChangeConfig(Func<NodeConfig, NodeConfig> change) => Config = change(Config);

    /// <summary>The config changes while the node runs.</summary>
    /// <param name="isForGood">False: it may be undone yet.</param>
    public NodeChange Apply(Func<NodeConfig, NodeConfig> change, bool isForGood = true)
    {
        Config = change(Config);
        var applied = _node!.Apply(Config, network => 1 + _networkNames.Count, _network.Now);
        if (isForGood)
        {
            _node.Settle(_network.Now);
        }

        _networkNames.AddRange(applied.Opened.Select(network => network.Name));
        AfterCall();
        return applied;
    }

    /// <summary>The socket becomes another one; the one before stays until <see cref="LeaveOldSocket"/> closes it.</summary>
    public void ChangeSocket(IPEndPoint to)
    {
        OldEndPoint = EndPoint;
        EndPoint = to;
        _ = LeaveOldSocket(isOver: false);
    }

    /// <summary>What the loop does twice a second.</summary>
    /// <returns>True when the old socket is closed.</returns>
    public bool LeaveOldSocket(bool isOver)
    {
        var old = OldEndPoint!.Port;
        var left = _node!.LeaveSocket((in SockAddr local) => local.ToIPEndPoint().Port == old, isOver, _network.Now);
        AfterCall();
        if (left > 0 && !isOver)
        {
            return false;
        }

        OldEndPoint = null;
        return true;
    }

    /// <summary>The index of a network that the node is in.</summary>
    public int IndexOf(string network) => _node!.Networks.Single(own => own.Name == network).Index;

    /// <summary>kill -9: no packet leaves any more. What the node had to remember was written down.</summary>
    public void Kill()
    {
        _memory = Disk == SimDisk.Works ? _node?.Memory ?? _memory : _memory;
        _node?.Dispose();
        _node = null;
    }

    /// <summary>Killed, and started anew with another memory.</summary>
    public void Restart(Func<NodeMemory, NodeMemory> change)
    {
        Kill();
        _memory = change(_memory);
        Boot();
    }

    /// <summary>The host has another address, and nothing leads to the old one. Its kernel tells the node.</summary>
    public void Move(int number, bool isTold = true)
    {
        EndPoint = new IPEndPoint(SimNetwork.Outer(number).Address, EndPoint.Port);
        OldEndPoint = OldEndPoint is { } old ? new IPEndPoint(EndPoint.Address, old.Port) : null;
        if (isTold)
        {
            _node!.OnPathEvent(_network.Now);
            AfterCall();
        }
    }

    public void Sleep() => IsAsleep = true;

    public void Wake()
    {
        IsAsleep = false;
        OnDeadline();
    }

    /// <summary>The host sends a packet into a network.</summary>
    public void Send(int network, byte[] packet)
    {
        _node!.OnTun(network, default, packet, _network.Now);
        AfterCall();
    }

    public void Receive(in QuicPath path, byte ecn, byte[] datagram)
    {
        _node!.OnUdp(path, ecn, datagram, _network.Now);
        AfterCall();
    }

    public void OnDeadline()
    {
        _node!.OnDeadline(_network.Now);
        AfterCall();
    }

    public void Flush()
    {
        if (IsRunning)
        {
            AfterCall();
        }
    }

    /// <summary>Sends a stamped packet to another host's address in a network (by its place in the config), which both are in.</summary>
    public void SendTo(SimHost other, int network, int payloadBytes = 64, bool v6 = false)
    {
        var from = _node!.Networks.Single(own => own.Name == Config.Networks[network].Name);
        var to = other._node!.Networks.Single(theirs => theirs.Name == from.Name);
        var index = v6 ? 1 : 0;
        Send(from.Index, _network.Ledger.Stamp(from.Name, from.OwnAddresses[index].ToString(), to.OwnAddresses[index].ToString(), payloadBytes));
    }

    public bool IsUp(SimHost other) => Snapshot.Peers.Any(peer => peer.Id == other.Id && peer.Condition == PeerCondition.Up);

    public bool Owns(string network, IPAddress address) =>
        _node is not null && _node.Networks.Any(own => own.Name == network && own.OwnAddresses.Contains(IpKey.FromIPAddress(address)));

    public void Check()
    {
        var snapshot = Snapshot;
        var up = snapshot.Peers.Where(peer => peer.Condition == PeerCondition.Up).Select(peer => peer.Id).ToHashSet();
        foreach (var network in snapshot.Networks)
        {
            var owners = new Dictionary<Prefix, PeerId>();
            foreach (var route in network.Routes.Where(route => route.IsUsed))
            {
                Require(up.Contains(route.Peer), $"the route {route.Prefix} in {network.Name} is used although its owner is not up");
                Require(!network.OwnAddresses.Any(own => route.Prefix.IsHost && route.Prefix.First == own), $"a peer has our own address {route.Prefix}");
                Require(owners.TryAdd(route.Prefix, route.Peer) || owners[route.Prefix] == route.Peer, $"{route.Prefix} in {network.Name} has two owners");
            }

            foreach (var group in network.Routes.GroupBy(route => route.Peer))
            {
                Require(group.Count() <= Limits.RoutesPerPeerAndNetwork + Limits.AddressesPerList + Limits.FormerRoutesPerPeerAndNetwork, $"{group.Count()} routes of one peer are kept");
            }
        }

        // Those just over are remembered for three probe timeouts; the endpoint bounds them.
        Require(snapshot.Connections <= (snapshot.Peers.Count + 2) * 4 * Limits.ConnectionsPerPeer, $"{snapshot.Connections} connections with {snapshot.Peers.Count} peers");
        Require(snapshot.Peers.All(peer => peer.QueueBytes <= Limits.PeerQueueBytes), "a queue is longer than its limit");
        Require(Logger.Lines.Count < 20_000, $"{Logger.Lines.Count} lines were logged, the last: {Logger.Lines.LastOrDefault()}");
    }

    private void AfterCall()
    {
        _node!.Flush(_network.Now);
        Remember();
        _snapshot = null;
    }

    private void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            _network.Violate($"{Name}: {otherwise}");
        }
    }

    public override bool Transmit(UdpSendBatch batch)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            var datagram = batch[i];
            if (!IsAt(datagram.Local.ToIPEndPoint()))
            {
                // No kernel sends from an address that the host does not have.
                continue;
            }

            _network.Carry(this, datagram.Remote.ToIPEndPoint(), datagram.Ecn, datagram.Bytes, SourceOf(datagram.Local));
        }

        batch.Clear();
        return true;
    }

    private IPEndPoint SourceOf(in SockAddr local) =>
        OldEndPoint is { } old && !local.IsNone && local.ToIPEndPoint().Equals(old) ? old : EndPoint;

    public override DropReason? Deliver(int network, ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        Delivered.Add((network, packet.ToArray()));
        _network.Ledger.OnDelivered(this, _networkNames[network], packet);
        return null;
    }

    public override void Resolve(string peer, IReadOnlyList<HostPort> names) => throw new NotSupportedException("the simulation has no names");

    public override SockAddr? LocalAddressTowards(IPEndPoint remote) => SockAddr.FromIPEndPoint(EndPoint);

    public override SockAddr? RemoteAddress(IPEndPoint remote) => SockAddr.FromIPEndPoint(remote);

    public void Dispose()
    {
        Kill();
        _credentials.Dispose();
        _allJoins.ForEach(credentials => credentials.Dispose());
    }
}
