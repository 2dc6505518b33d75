using System.Buffers;
using Microsoft.Extensions.Logging;
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

/// <summary>
/// A whole VibePN node without sockets, clocks or threads: packets, datagrams and the time go in; datagrams, packets and the next
/// deadline come out (<see cref="NodeOutput"/>). One thread at a time. Node.Connections.cs and its neighbours have the peers,
/// Node.DataPath.cs the packets.
/// </summary>
internal sealed partial class Node : QuicHandler, IDisposable
{
    /// <summary>The protocol spoken to other nodes of this project (docs/protocol.md).</summary>
    public const string Alpn = "vibepn/1";

    private readonly NodeOptions _options;
    private readonly NodeOutput _output;
    private readonly ILogger _logger;
    private readonly QuicEndpoint _endpoint;
    private readonly UdpSendBatch _udpOut = new();

    /// <summary>By index, those that are gone included: an index is never used twice, so that no late packet can meet another network.</summary>
    private readonly List<NodeNetwork> _networks = [];
    private readonly Dictionary<PeerId, Peer> _peers = [];
    private readonly Dictionary<string, Peer> _peersByName = [];
    private readonly List<PeerConnection> _unknown = [];
    private readonly Dictionary<string, long> _handshakes = [];
    private readonly List<ControlMessage> _messages = [];

    /// <summary>What connections without a known peer sent.</summary>
    private readonly NodeCounters _strangers = new();

    private readonly QueueMemory _queueMemory = new(2 * Limits.PeerQueueBytes);

    /// <summary>Counts what the peers' queues drop.</summary>
    private readonly PacketsDropped _queueDropped;

    /// <summary>So that nobody can choose packets that share a flow with another's.</summary>
    private readonly ulong _flowSalt;

    /// <summary>Where a control message is written before it is queued on its stream.</summary>
    private readonly ArrayBufferWriter<byte> _controlOut = new(1024);

    private readonly byte[] _icmp = new byte[IcmpError.MaxBytes];

    /// <summary>Lines that strangers cause.</summary>
    private readonly LogLimit _strangersLog = new();

    /// <summary>The config in force: the file's, and peers that are remembered. <see cref="Apply"/> replaces it.</summary>
    private NodeConfig _config;
    private TrustList _trust;

    /// <summary>Those of the config, in its order.</summary>
    private List<NodeNetwork> _live = [];

    /// <summary>What is remembered of networks of a former life, and of those closed in this one; by name.</summary>
    private readonly Dictionary<string, NodeNetworkMemory> _past = [];

    /// <summary>The time of the call under way: callbacks carry none.</summary>
    private Instant _now;

    private ulong _controlDeadline = ulong.MaxValue;
    private bool _leaving;
    private int _memoryChanges;

    public Node(NodeOptions options, NodeOutput output, ILogger logger, Instant now)
    {
        _options = options;
        _flowSalt = (ulong)options.Random.NextInt64();
        _queueDropped = DropQueued;
        _output = output;
        _logger = logger;
        _now = now;
        (_file, _settled) = (options.Config, options.Config);
        _invites = new InviteBook(options.Memory.Trust.Invites);
        _remembered = [.. options.Memory.Trust.Peers];
        _lineages = [.. options.Memory.Trust.Lineages];
        _ownLineage = options.Identity.Lineage;
        IndexLineages();
        _introductions = new IntroductionBook(options.Memory.Introductions, FirstKnown);
        Settle(LetGo(isStart: true));
        _config = _introductions.Join(KnownPeers.Join(_file, _remembered), options.Identity.Id);
        _trust = TrustList.Create(_config, options.Identity.Id, _invites, _lineages);
        StartedAt = now;
        foreach (var known in options.Memory.Networks)
        {
            _past[known.Name] = known;
        }

        foreach (var (network, interfaceIndex) in _config.Networks.Zip(options.InterfaceIndexes))
        {
            _live.Add(OpenNetwork(network, interfaceIndex));
        }

        _ = ConfigureLocal();
        foreach (var (id, entry) in ById(_config))
        {
            AddPeer(entry, id);
        }

        foreach (var token in options.Memory.Tokens)
        {
            _peers.GetValueOrDefault(token.Peer)?.TryKeepToken(token.Token.Span);
        }

        _endpoint = new QuicEndpoint(
            new QuicEndpointOptions
            {
                Credentials = options.Credentials,
                AcceptAlpn = [Alpn],
                ResetSecret = options.ResetSecret,
                TokenSecret = options.TokenSecret,
                Settings = new QuicSettings
                {
                    HandshakeTimeout = DialPolicy.AttemptTimeout,
                    KeepAlive = TimeSpan.Zero,
                    PacketProtection = ProtectionMode(options.Config.Tuning.Crypto),
                },
            },
            this);
        ScheduleControl(now.Nanos);
    }

    public PeerId Self => _options.Identity.Id;

    public Instant StartedAt { get; }

    /// <summary>Those of the config in force, in its order.</summary>
    public IReadOnlyList<NodeNetwork> Networks => _live;

    /// <summary>Grows whenever <see cref="DesiredHostState"/> changes.</summary>
    public int HostStateVersion { get; private set; } = 1;

    /// <summary>Grows whenever <see cref="Memory"/> changes.</summary>
    public int MemoryVersion
    {
        get
        {
            // Asked after every turn: no enumerator, no delegate.
            var version = _memoryChanges;
            foreach (var network in _networks)
            {
                version += network.MemoryVersion;
            }

            return version;
        }
    }

    /// <summary>What to give to the next life.</summary>
    public NodeMemory Memory => new([.. _live.Select(network => network.Memory)])
    {
        Trust = TrustMemory,
        Introductions = _introductions.Memory,
        Tokens = [.. _peers.Values.Where(peer => !peer.DialToken.IsEmpty).Select(peer => new PeerToken(peer.Id, peer.DialToken))],
    };

    /// <summary>When <see cref="OnDeadline"/> wants to be called, in nanoseconds of CLOCK_BOOTTIME.</summary>
    public ulong NextDeadline => Math.Min(Math.Min(_endpoint.NextDeadline, _controlDeadline), _reorderDeadline);

    /// <summary>Does what is due at <paramref name="now"/>.</summary>
    public void OnDeadline(Instant now)
    {
        _now = now;
        CheckClock();
        _endpoint.HandleDeadlines(now);
        if (now.Nanos >= _controlDeadline)
        {
            RunControlTimers();
        }

        if (now.Nanos >= _reorderDeadline)
        {
            RunReorderTimers();
        }
    }

    /// <summary>Tells every peer that this node leaves. The packets leave with the next <see cref="Flush"/>.</summary>
    /// <returns>Peers told.</returns>
    public int Goodbye(Instant now)
    {
        _now = now;
        _leaving = true;
        var told = _peers.Values.Count(peer => peer.IsUp);
        Log.Goodbye(_logger, told);
        foreach (var connection in _endpoint.Connections.ToArray())
        {
            SayLegacyGoodbye(connection);
            connection.Close((ulong)CloseReason.Goodbye, "the node is shutting down");
        }

        return told;
    }

    /// <summary>What the host's interfaces shall look like for this node.</summary>
    public HostState DesiredHostState() => new(
        [
            .. _live.Select(network => new LinkState(
                network.InterfaceIndex,
                network.Config.Interface,
                network.MtuBytes,
                Up: true,
                [.. network.Prefixes.Select((prefix, i) => new InterfaceAddress(network.OwnAddresses[i].ToIPAddress(), prefix.Length))],
                [.. RoutesOf(network)])),
        ]);

    /// <summary>Gives back the memory that a load has left; to be called when none is expected.</summary>
    public void ReleaseMemory()
    {
        foreach (var peer in _peers.Values)
        {
            foreach (var link in peer.Connections)
            {
                link.Repair?.ReleaseMemory();
                link.Reorder?.ReleaseMemory();
            }
        }

        _queueMemory.Release();
        _repairMemory.Release();
    }

    public void Dispose()
    {
        _endpoint.Dispose();
        _udpOut.Dispose();
        foreach (var peer in _peers.Values)
        {
            peer.Queue.Clear(DropReason.OutPeerDown);
            foreach (var link in peer.Connections)
            {
                link.Repair?.Release();
                link.Reorder?.Discard();
            }
        }

        _queueMemory.Dispose();
        _repairMemory.Dispose();
    }

    /// <summary>The config's word for who encrypts, in QUIC's.</summary>
    public static PacketProtectionMode ProtectionMode(CryptoChoice choice) => choice switch
    {
        CryptoChoice.GnuTls => PacketProtectionMode.GnuTls,
        CryptoChoice.IpsecMb => PacketProtectionMode.IpsecMb,
        _ => PacketProtectionMode.Auto,
    };

    /// <summary>Whether what a peer says or does is worth one more line; if not, it is counted and told later.</summary>
    private bool MayLog(Peer peer)
    {
        if (peer.MayLog(_now.Nanos))
        {
            return true;
        }

        ScheduleControl(peer.LogLimit.DueNanos);
        return false;
    }

    /// <summary>Whether someone looks closely.</summary>
    private bool MayDebug(Peer peer) => _logger.IsEnabled(LogLevel.Debug) && peer.DebugLimit.MayLog(_now.Nanos);

    private void ScheduleControl(ulong nanos) => _controlDeadline = Math.Min(_controlDeadline, nanos);

    /// <summary>Connections to peers that came up, ever.</summary>
    public int ConnectionsMade { get; private set; }

    private void Count(string handshakeResult) =>
        _handshakes[handshakeResult] = _handshakes.GetValueOrDefault(handshakeResult) + 1;
}
