using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Capture;
using VibePN.Config;
using VibePN.Identity;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN;

/// <summary>
/// A running node: opens what it needs of the kernel, runs the loop, keeps the host's network as the node wants it. Composed by hand;
/// the daemon, tests and benchmarks start this.
/// </summary>
public sealed partial class NodeHost : IAsyncDisposable
{
    /// <summary>Packets of a goodbye have left by then.</summary>
    private static readonly TimeSpan LingerTime = TimeSpan.FromMilliseconds(100);

    private readonly HostNetwork _hostNetwork;
    private QuicCredentials _credentials;
    private readonly NodeLoop _loop;
    private readonly ILogger _logger;
    private readonly NodeMemoryFile _memoryFile;

    /// <summary>What of the state directory could not be read at the start.</summary>
    private string? _memoryProblem;

    /// <summary>Null: offloads are switched off, which needs a restart to change.</summary>
    private readonly TunTrial? _trial;

    /// <summary>Held by whoever changes the host's network or the state directory: one at a time.</summary>
    private readonly SemaphoreSlim _turn = new(1);
    private HostState? _desired;
    private NodeMemory? _memory;
    private bool _disposed;

    /// <summary>The open interfaces, by name. Changed by the holder of <see cref="_turn"/>.</summary>
    private Dictionary<string, TunDevice> _tuns = [];

    /// <summary>The config in force and what is open for it; replaced whole, by the holder of <see cref="_turn"/>.</summary>
    private volatile Serving _serving;

    /// <summary>What could not be done on the host when it was last tried, or null.</summary>
    private string? _hostFailure;

    private NodeHost(NodeConfig config, NodeIdentity identity, ILogger logger)
    {
        _logger = logger;
        _identity = identity;

        // First: it takes as long as all that comes before its verdict is needed.
        _trial = config.Tuning.TunOffloads ? TunTrial.Start() : null;
        _memoryFile = new NodeMemoryFile(config.Node.State);
        _joinFiles = new JoinFiles(config.Node.State);
        UdpSocket? udp = null;
        try
        {
            QuicLibrary.EnsureLoaded();
            _credentials = LoadCredentials(config, identity);
            udp = UdpSocket.Bind(config.Node.Listen, OptionsOfUdp(config));
            foreach (var network in config.Networks)
            {
                _tuns.Add(network.Interface, OpenTun(config, network));
            }

            List<TunDevice> tuns = [.. config.Networks.Select(network => _tuns[network.Interface])];
            _serving = new Serving(config, config.Networks.Index().ToDictionary(network => network.Item.Name, network => new OpenNetwork(network.Index, tuns[network.Index])));
            _hostNetwork = new HostNetwork(Path.Combine(config.Node.State, "journal.json"));
            _loop = new NodeLoop(udp, tuns, logger, (output, now) => CreateNode(identity, output, now), ResolveInBackground)
            {
                HostStateChanged = Apply,
                MemoryChanged = Remember,
                PathsChanged = LookAtLocal,
                InviterJoined = OnJoined,
            };
        }
        catch
        {
            udp?.Dispose();
            CloseAll(_tuns.Values);
            _hostNetwork?.Dispose();
            _credentials?.Dispose();
            _trial?.Dispose();
            throw;
        }
    }

    /// <summary>In force.</summary>
    public NodeConfig Config => _serving.Config;

    /// <summary>As bound.</summary>
    public IPEndPoint LocalEndPoint => _loop.Udp.LocalEndPoint;

    /// <summary>Ends when the node has stopped; faulted when it failed.</summary>
    public Task Completion => _loop.Completion;

    /// <summary>Managed bytes the loop has allocated, and its turns.</summary>
    public (long AllocatedBytes, long Turns) LoopLoad => _loop.Load;

    /// <summary>What an operator should know about how this host serves the node.</summary>
    public IReadOnlyList<string> Warnings =>
    [
        .. _loop.Udp.IsIPv6Unavailable ? ["IPv6 is off on this host: listening on IPv4 only"] : Array.Empty<string>(),
        .. _memoryProblem is { } damage ? [damage] : Array.Empty<string>(),
        .. _hostNetwork.JournalProblem is { } journal ? [$"what is changed on this host is not written down: {journal}"] : Array.Empty<string>(),
        .. _loop.OldEndPoints.Select(old => $"{old} stays open for connections that have yet to move to {LocalEndPoint}"),
        .. _loop.Udp.GsoInactiveReason is { } gso && Config.Tuning.UdpGso ? [$"UDP segmentation offload is not used: {gso}"] : Array.Empty<string>(),
        .. Config.Networks.Where(network => Config.Tuning.TunOffloads && TunObstacles(network.Name).Tcp is not null)
            .Select(network => $"{network.Interface}: offloads are not used: {TunObstacles(network.Name).Tcp}"),
    ];

    /// <summary>Who encrypts packets here and how, with the reason where an accelerator is not used.</summary>
    public string PacketProtection => QuicLibrary.DescribePacketProtection(Node.ProtectionMode(Config.Tuning.Crypto));

    /// <summary>What keeps the UDP socket from using the kernel's offloads.</summary>
    public UdpObstacles UdpObstacles => new(
        _loop.Udp.GsoInactiveReason,
        _loop.Udp.IsGroActive ? null : Config.Tuning.UdpGro ? "the kernel has no UDP_GRO (Linux 5.0 is needed)" : "switched off");

    /// <summary>Opens the socket and the interfaces, and sets the addresses. Nothing is left behind when it fails.</summary>
    /// <exception cref="LinuxException">The kernel refused: no permission, address in use, …</exception>
    /// <exception cref="QuicException">A library is missing or too old, or the key does not fit the certificate.</exception>
    public static async Task<NodeHost> StartAsync(NodeConfig config, NodeIdentity identity, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var host = new NodeHost(config, identity, loggers.CreateLogger("vibepn"));
        try
        {
            await host.StartAsync(cancellation).ConfigureAwait(false);
            return host;
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            host._trial?.Dispose();
        }
    }

    /// <summary>What keeps a network's interface from using them.</summary>
    public TunObstacles TunObstacles(string network)
    {
        if (!_serving.Networks.TryGetValue(network, out var open))
        {
            // It came or went a moment ago.
            return new TunObstacles(null, null);
        }

        var refused = _loop.CoalescingInactiveReason(open.Index);
        return new TunObstacles(open.Tun.OffloadsInactiveReason ?? refused, open.Tun.UdpOffloadInactiveReason ?? refused);
    }

    public Task<NodeSnapshot> SnapshotAsync() => _loop.InvokeAsync(node => node.Snapshot(NodeLoop.Now()));

    /// <summary>From now on packets are copied to <paramref name="ring"/>; null: to none.</summary>
    public async Task CaptureAsync(CaptureRing? ring)
    {
        try
        {
            _ = await _loop.InvokeAsync(node => node.Capture = ring).ConfigureAwait(false);
        }
        catch (InvalidOperationException) when (ring is null)
        {
            // The loop has ended meanwhile, and captures nothing any more.
        }
    }

    /// <summary>Ends when the loop has taken a turn.</summary>
    /// <exception cref="InvalidOperationException">It has ended.</exception>
    public Task TurnAsync() => _loop.InvokeAsync(static _ => true);

    /// <summary>What became of a configured peer of late; null: there is none of that name.</summary>
    public Task<PeerHistorySnapshot?> HistoryAsync(string peer) => _loop.InvokeAsync(node => node.History(peer));

    /// <summary>Tells the peers and stops.</summary>
    /// <returns>Peers told.</returns>
    public async Task<int> StopAsync()
    {
        var told = 0;
        if (!_loop.Completion.IsCompleted)
        {
            told = await _loop.InvokeAsync(node => node.Goodbye(NodeLoop.Now())).ConfigureAwait(false);
            await Task.Delay(LingerTime, TimeProvider.System).ConfigureAwait(false);
        }

        await DisposeAsync().ConfigureAwait(false);
        return told;
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _loop.Dispose();
        await _turn.WaitAsync().ConfigureAwait(false);
        ApplyNow(HostState.Empty);
        SaveMemory();
        _hostNetwork.Dispose();
        CloseAll(_tuns.Values);
        _credentials.Dispose();
        _formerCredentials.ForEach(credentials => credentials.Dispose());
        foreach (var credentials in _joinCredentials.Values)
        {
            credentials.Dispose();
        }
    }

    private async Task StartAsync(CancellationToken cancellation)
    {
        if (_loop.Udp.IsIPv6Unavailable)
        {
            Log.NoIPv6(_logger);
        }

        if (_hostNetwork.Recover() is { } left)
        {
            Log.HostNetworkFailed(_logger, left);
        }

        Log.Listening(_logger, LocalEndPoint.ToString());
        _loop.Start();
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await TellLocalAsync().WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }

        await SaveTrustAsync().WaitAsync(cancellation).ConfigureAwait(false);

        // The first state is applied before the node counts as started: a failure here is a failed start.
        var desired = await _loop.InvokeAsync(node => node.DesiredHostState()).WaitAsync(cancellation).ConfigureAwait(false);
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _hostNetwork.Apply(desired);
        }
        finally
        {
            _turn.Release();
        }

        foreach (var link in desired.Links)
        {
            Log.NetworkOpen(_logger, Config.Networks.First(network => network.Interface == link.Name).Name, link.Name, string.Join(", ", link.Addresses));
        }
    }

    private static QuicCredentials LoadCredentials(NodeConfig config, NodeIdentity identity)
    {
        try
        {
            return QuicCredentials.FromPem(identity.CertificatePem.Span, identity.KeyPem.Span);
        }
        catch (QuicException failure)
        {
            throw new IdentityException($"{config.Identity.CertPath} with {config.Identity.KeyPath}: {failure.Message}", failure);
        }
    }

    private Node CreateNode(NodeIdentity identity, NodeOutput output, Instant now)
    {
        Span<byte> bootId = stackalloc byte[16];
        TlsPrimitives.FillRandom(bootId);
        Span<byte> seed = stackalloc byte[4];
        TlsPrimitives.FillRandom(seed);
        var memory = _memoryFile.Load(out _memoryProblem);
        if (_memoryProblem is not null)
        {
            Log.MemoryFailed(_logger, _memoryProblem);
        }

        var node = new Node(
            new NodeOptions
            {
                Config = Config,
                Identity = identity,
                Credentials = _credentials,
                Memory = memory,
                InterfaceIndexes = [.. Config.Networks.Select(network => _tuns[network.Interface].InterfaceIndex)],
                BootId = new Guid(bootId),
                Random = new Random(BitConverter.ToInt32(seed)),
                ResetSecret = DeriveSecret(identity, "vibepn/1 stateless reset"),
                TokenSecret = DeriveSecret(identity, "vibepn/1 token"),
            },
            output,
            _logger,
            now);
        node.SetJoins(LoadJoins(), now);
        return node;
    }

    /// <summary>A secret that a restart does not change, from the node's private key (RFC 5869).</summary>
    private static byte[] DeriveSecret(NodeIdentity identity, string label)
    {
        var pseudoRandomKey = new byte[TlsPrimitives.Sha256Bytes];
        TlsPrimitives.HkdfSha256Extract(identity.KeyPem.Span, [], pseudoRandomKey);
        var secret = new byte[32];
        TlsPrimitives.HkdfSha256Expand(pseudoRandomKey, System.Text.Encoding.ASCII.GetBytes(label), secret);
        return secret;
    }

    /// <summary>Called by the loop: the kernel is asked on another thread, the latest state wins.</summary>
    private void Apply(HostState desired)
    {
        Volatile.Write(ref _desired, desired);
        InTurn(() =>
        {
            if (Interlocked.Exchange(ref _desired, null) is { } latest)
            {
                ApplyNow(latest);
                _ = TellLocalAsync();
            }
        });
    }

    /// <summary>Called by the loop, likewise.</summary>
    private void Remember(NodeMemory memory)
    {
        Volatile.Write(ref _memory, memory);
        InTurn(SaveMemory);
    }

    private void InTurn(Action action) => _ = Task.Run(async () =>
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_disposed)
            {
                action();
            }
        }
        finally
        {
            _turn.Release();
        }
    });

    private void SaveMemory()
    {
        if (TrySaveMemory() is { } failure)
        {
            Log.MemoryFailed(_logger, failure.Message);
        }
    }

    /// <returns>Null, or why the latest could not be written.</returns>
    private Exception? TrySaveMemory()
    {
        if (Interlocked.Exchange(ref _memory, null) is not { } latest)
        {
            return null;
        }

        Exception? problem = null;
        try
        {
            _memoryFile.Save(latest);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            problem = failure;
        }

        TellSaved(latest.Trust.Version, isSaved: problem is null);
        return problem;
    }

    private void ApplyNow(HostState desired)
    {
        try
        {
            _hostNetwork.Apply(desired);
            _hostFailure = null;
        }
        catch (LinuxException failure)
        {
            _hostFailure = failure.Message;
            Log.HostNetworkFailed(_logger, failure.Message);
        }
    }
}
