using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using VibePN.Config;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN;

/// <summary>
/// The one thread that touches a node: waits for packets, datagrams, messages and the node's deadline, and gives them to it.
/// Other threads reach the node by <see cref="InvokeAsync{T}"/> alone.
/// </summary>
internal sealed class NodeLoop : NodeOutput, IDisposable
{
    private const ulong WakeToken = 0;
    private const ulong UdpToken = 1;
    private const ulong PathToken = 2;
    private const ulong FirstTunToken = 3;

    /// <summary>Full batches of one source before the others have their turn; a batch that is not full emptied it.</summary>
    private const int ReadsPerTurn = 4;

    /// <summary>Messages of one receive call, when one brings up to 64 KiB, and when it brings one datagram.</summary>
    private const int MessagesOfRuns = 16;
    private const int MessagesOfOne = 64;

    /// <summary>A turn with more frames or messages than this is a load; a few touch a few pages only.</summary>
    private const int LoadFrames = 4;

    /// <summary>Without a load for this long, the buffers' memory is given back.</summary>
    private const ulong ReleaseAfterNanos = 2_000_000_000;

    private readonly UdpSocket _udp;
    private readonly IReadOnlyList<TunDevice> _tuns;
    private readonly ILogger _logger;
    private readonly Action<NodeLoop, string, HostPort> _resolve;
    private readonly Epoll _epoll = new();
    private readonly WakeEvent _wake = new();
    private readonly PathMonitor? _paths;
    private readonly UdpReceiveBatch _udpIn;
    private readonly TunBatch _tunIn = new();
    private readonly Coalescer[] _coalescers;
    private readonly ConcurrentQueue<Action<Node>> _messages = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private bool _waitsForWritable;

    /// <summary>When the buffers' memory goes back to the kernel, unless a load comes before.</summary>
    private ulong _releaseNanos = ulong.MaxValue;
    private volatile bool _stopping;

    /// <param name="create">Makes the node, with this loop as its output.</param>
    /// <param name="resolve">Starts resolving a peer's host name on another thread.</param>
    public NodeLoop(
        UdpSocket udp,
        IReadOnlyList<TunDevice> tuns,
        ILogger logger,
        Func<NodeOutput, Instant, Node> create,
        Action<NodeLoop, string, HostPort> resolve)
    {
        _udp = udp;
        _tuns = tuns;
        _logger = logger;
        _resolve = resolve;
        _udpIn = new UdpReceiveBatch(udp.IsGroActive ? MessagesOfRuns : MessagesOfOne);
        _coalescers = [.. tuns.Select(tun => new Coalescer(frames: 64, tun.HasOffloads, tun.HasUdpOffload))];
        _epoll.Add(_wake.Fd, WakeToken);
        _epoll.Add(udp.Fd, UdpToken);
        try
        {
            _paths = new PathMonitor();
            _epoll.Add(_paths.Fd, PathToken);
        }
        catch (LinuxException failure)
        {
            // Unanswered packets tell the same, later.
            Log.NoPathEvents(logger, failure.Message);
        }

        for (var i = 0; i < tuns.Count; i++)
        {
            _epoll.Add(tuns[i].Fd, FirstTunToken + (ulong)i);
        }

        var node = create(this, Now());
        _thread = new Thread(() => Run(node)) { Name = "vibepn-loop", IsBackground = true };
    }

    /// <summary>Ends when the loop has ended; faulted when it failed.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Managed bytes the loop's thread has allocated, and its turns so far.</summary>
    public (long AllocatedBytes, long Turns) Load { get; private set; }

    /// <summary>Called on the loop's thread after a turn in which the desired state of the host changed.</summary>
    public Action<HostState>? HostStateChanged { get; set; }

    /// <summary>Called on the loop's thread after a turn in which the node learned something to remember.</summary>
    public Action<NodeMemory>? MemoryChanged { get; set; }

    public static Instant Now() => new(BootClock.Nanos(), BootClock.UtcSeconds());

    /// <summary>Why a network's packets are not put together any more, or null. For any thread.</summary>
    public string? CoalescingInactiveReason(int network) => _coalescers[network].InactiveReason;

    public void Start() => _thread.Start();

    /// <summary>Runs <paramref name="function"/> on the loop's thread, between two turns.</summary>
    /// <exception cref="InvalidOperationException">The loop has ended.</exception>
    public Task<T> InvokeAsync<T>(Func<Node, T> function)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_completion.Task.IsCompleted)
        {
            answer.SetException(new InvalidOperationException("the node has stopped"));
            return answer.Task;
        }

        _messages.Enqueue(node =>
        {
            try
            {
                answer.SetResult(function(node));
            }
#pragma warning disable CA1031 // Whatever it is belongs to the caller.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                answer.SetException(failure);
            }
        });
        _wake.Signal();
        _ = _completion.Task.ContinueWith(_ => answer.TrySetException(new InvalidOperationException("the node has stopped")), TaskScheduler.Default);
        return answer.Task;
    }

    /// <summary>Ends the loop after the present turn; what the node has written leaves first.</summary>
    public void Stop()
    {
        _stopping = true;
        _wake.Signal();
    }

    public override bool Transmit(UdpSendBatch batch)
    {
        var done = _udp.Send(batch) == UdpSendResult.Done;
        if (done == _waitsForWritable)
        {
            _waitsForWritable = !done;
            _epoll.Modify(_udp.Fd, UdpToken, writable: _waitsForWritable);
        }

        return done;
    }

    public override DropReason? Deliver(int network, ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        var coalescer = _coalescers[network];
        var result = coalescer.Add(packet, checksumPartial);
        if (result == CoalesceResult.Full)
        {
            coalescer.Flush(_tuns[network]);
            result = coalescer.Add(packet, checksumPartial);
        }

        return result switch
        {
            CoalesceResult.Ok => null,
            CoalesceResult.Invalid => DropReason.InChecksumFlag,
            _ => DropReason.InInterface,
        };
    }

    public override void Resolve(string peer, HostPort address) => _resolve(this, peer, address);

    public override SockAddr? LocalAddressTowards(IPEndPoint remote)
    {
        if (!_udp.LocalEndPoint.Address.Equals(IPAddress.Any) && !_udp.LocalEndPoint.Address.Equals(IPAddress.IPv6Any))
        {
            // Bound to one address: packets leave from there and nowhere else.
            return RemoteAddress(_udp.LocalEndPoint);
        }

        // Connecting a UDP socket sends nothing: it asks the kernel's routing for the source address.
        try
        {
            using var probe = new Socket(remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            probe.Connect(remote);
            return probe.LocalEndPoint is IPEndPoint local
                ? _udp.ToRemote(new IPEndPoint(local.Address, _udp.LocalEndPoint.Port))
                : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public override SockAddr? RemoteAddress(IPEndPoint remote)
    {
        try
        {
            return _udp.ToRemote(remote);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        Stop();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        _epoll.Dispose();
        _wake.Dispose();
        _paths?.Dispose();
        _udpIn.Dispose();
        _tunIn.Dispose();
        foreach (var coalescer in _coalescers)
        {
            coalescer.Dispose();
        }
    }

    private void Run(Node node)
    {
        try
        {
            using (node)
            {
                var hostState = 0;
                var memory = node.MemoryVersion;
                while (!_stopping)
                {
                    Turn(node);
                    if (node.HostStateVersion != hostState)
                    {
                        hostState = node.HostStateVersion;
                        HostStateChanged?.Invoke(node.DesiredHostState());
                    }

                    if (node.MemoryVersion != memory)
                    {
                        memory = node.MemoryVersion;
                        MemoryChanged?.Invoke(node.Memory);
                    }
                }

                node.Flush(Now());
            }

            _completion.SetResult();
        }
#pragma warning disable CA1031 // The last resort of the thread: logged, and the host ends the daemon.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.LoopFailed(_logger, failure);
            _completion.SetException(failure);
        }
    }

    private void Turn(Node node)
    {
        Span<EpollReady> ready = stackalloc EpollReady[16];
        var count = _epoll.Wait(ready, Math.Min(node.NextDeadline, _releaseNanos));
        var now = Now();
        for (var i = 0; i < count; i++)
        {
            switch (ready[i].Token)
            {
                case WakeToken:
                    _wake.Drain();
                    while (_messages.TryDequeue(out var message))
                    {
                        message(node);
                    }

                    break;
                case UdpToken:
                    for (var reads = 0; reads < ReadsPerTurn && _udp.Receive(_udpIn) > 0; reads++)
                    {
                        // Asked anew: what was sent earlier in this turn may be acknowledged here, and a round trip of zero misleads BBR.
                        now = Now();
                        node.OnUdp(_udpIn, now);
                        Loaded(_udpIn.Count, now);
                        if (_udpIn.Count < _udpIn.Capacity)
                        {
                            break;
                        }
                    }

                    break;
                case PathToken:
                    if (_paths!.Drain(OwnInterfaces()))
                    {
                        node.OnPathEvent(now);
                    }

                    break;
                case var token:
                    var network = (int)(token - FirstTunToken);
                    for (var reads = 0; reads < ReadsPerTurn && _tuns[network].Read(_tunIn); reads++)
                    {
                        now = Now();
                        node.OnTun(network, _tunIn, now);
                        Loaded(_tunIn.Count, now);
                        if (_tunIn.Count < _tunIn.Capacity)
                        {
                            break;
                        }
                    }

                    break;
            }
        }

        if (node.NextDeadline <= now.Nanos)
        {
            node.OnDeadline(now);
        }

        node.Flush(now);
        for (var i = 0; i < _tuns.Count; i++)
        {
            if (_coalescers[i].Count > 0)
            {
                Loaded(_coalescers[i].Count, now);
                _coalescers[i].Flush(_tuns[i]);
            }
        }

        if (_releaseNanos <= now.Nanos)
        {
            ReleaseBuffers(node);
        }

        Load = (GC.GetAllocatedBytesForCurrentThread(), Load.Turns + 1);
    }

    private int[] OwnInterfaces() => [.. _tuns.Select(tun => tun.InterfaceIndex)];

    private void Loaded(int frames, Instant now)
    {
        if (frames > LoadFrames)
        {
            _releaseNanos = now.Nanos + ReleaseAfterNanos;
        }
    }

    private void ReleaseBuffers(Node node)
    {
        _releaseNanos = ulong.MaxValue;
        node.ReleaseMemory();
        _udpIn.Release();
        _tunIn.Release();
        foreach (var coalescer in _coalescers)
        {
            coalescer.Release();
        }

        // Nothing waits now: the moment at which giving back what the load left costs nobody anything.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
