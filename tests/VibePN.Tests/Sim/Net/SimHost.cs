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
    private readonly TestIdentity _identity;
    private readonly QuicCredentials _credentials;
    private readonly List<string> _networkNames = [];
    private readonly Dictionary<PeerId, QuicCredentials> _joins = [];
    private readonly List<QuicCredentials> _allJoins = [];
    private NodeMemory _memory = NodeMemory.Empty;
    private int _memoryVersion;
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

    /// <summary>A socket of before that is still open, or null.</summary>
    public IPEndPoint? OldEndPoint { get; private set; }

    public bool IsAt(IPEndPoint at) => EndPoint.Equals(at) || at.Equals(OldEndPoint);

    public NodeConfig Config { get; private set; }

    public Node? Node { get; private set; }

    /// <summary>Its processor sleeps, and all time that passes passes at once when it wakes.</summary>
    public bool IsAsleep { get; private set; }

    public bool IsRunning => Node is not null && !IsAsleep;

    public ulong NextDeadline => Node?.NextDeadline ?? ulong.MaxValue;

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

    public NodeSnapshot Snapshot => Node!.Snapshot(_network.Now);

    public PeerSnapshot Peer(string name) => Snapshot.Peers.Single(peer => peer.Name == name);

    /// <summary>Starts the process anew: same identity, new boot id, no memory.</summary>
    public void Boot()
    {
        var bootId = new byte[16];
        bootId[0] = (byte)++_boots;
        _networkNames.Clear();
        _networkNames.AddRange(Config.Networks.Select(network => network.Name));
        Node = new Node(
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
        _memoryVersion = Node.MemoryVersion;
        Node.SetJoins(_joins, _network.Now);
    }

    /// <summary>Presents an invite's proof to whoever made it, from now on.</summary>
    public void Present(Invite invite) => Present(invite.Inviter, InviteProof.Make(invite.Id, invite.Secret.Span, Id, invite.Inviter));

    public void Present(PeerId inviter, InviteProof proof)
    {
        _joins[inviter] = QuicCredentials.FromPem([.. _identity.Node.CertificatePem.Span, .. Encoding.ASCII.GetBytes("\n" + TestStatement.Pem(proof))], _identity.Node.KeyPem.Span);
        _allJoins.Add(_joins[inviter]);
        Node!.SetJoins(_joins, _network.Now);
        Node.Flush(_network.Now);
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
        if (Node!.MemoryVersion == _memoryVersion || Disk == SimDisk.Hangs)
        {
            return;
        }

        _memoryVersion = Node.MemoryVersion;
        var memory = Node.Memory;
        _memory = Disk == SimDisk.Works ? memory : _memory;
        Node.OnTrustSaved(memory.Trust.Version, Disk == SimDisk.Works, _network.Now);
        Node.Flush(_network.Now);
    }

    /// <summary>The config changes while the node runs.</summary>
    public NodeChange Apply(Func<NodeConfig, NodeConfig> change)
    {
        Config = change(Config);
        var applied = Node!.Apply(Config, network => 1 + _networkNames.Count, _network.Now);
        _networkNames.AddRange(applied.Opened.Select(network => network.Name));
        Node.Flush(_network.Now);
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
        var left = Node!.LeaveSocket((in SockAddr local) => local.ToIPEndPoint().Port == old, isOver, _network.Now);
        Node.Flush(_network.Now);
        if (left > 0 && !isOver)
        {
            return false;
        }

        OldEndPoint = null;
        return true;
    }

    /// <summary>The index of a network that the node is in.</summary>
    public int IndexOf(string network) => Node!.Networks.Single(own => own.Name == network).Index;

    /// <summary>kill -9: no packet leaves any more. What the node had to remember was written down.</summary>
    public void Kill()
    {
        _memory = Disk == SimDisk.Works ? Node?.Memory ?? _memory : _memory;
        Node?.Dispose();
        Node = null;
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
            Node!.OnPathEvent(_network.Now);
            Node.Flush(_network.Now);
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
        Node!.OnTun(network, default, packet, _network.Now);
        Node.Flush(_network.Now);
    }

    public void Receive(in QuicPath path, byte ecn, byte[] datagram)
    {
        Node!.OnUdp(path, ecn, datagram, _network.Now);
        Node.Flush(_network.Now);
        Remember();
    }

    public void OnDeadline()
    {
        Node!.OnDeadline(_network.Now);
        Node.Flush(_network.Now);
        Remember();
    }

    public void Flush()
    {
        if (IsRunning)
        {
            Node!.Flush(_network.Now);
            Remember();
        }
    }

    /// <summary>Sends a stamped packet to another host's address in a network (by its place in the config), which both are in.</summary>
    public void SendTo(SimHost other, int network, int payloadBytes = 64, bool v6 = false)
    {
        var from = Snapshot.Networks[network];
        var to = other.Snapshot.Networks.Single(theirs => theirs.Name == from.Name);
        var index = v6 ? 1 : 0;
        Send(IndexOf(from.Name), _network.Ledger.Stamp(from.Name, from.OwnAddresses[index].ToString(), to.OwnAddresses[index].ToString(), payloadBytes));
    }

    public bool IsUp(SimHost other) => Snapshot.Peers.Any(peer => peer.Id == other.Id && peer.Condition == PeerCondition.Up);

    public bool Owns(string network, IPAddress address) =>
        Node is not null && Node.Networks.Any(own => own.Name == network && own.OwnAddresses.Contains(IpKey.FromIPAddress(address)));

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
