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
internal sealed partial class NodeLoop : NodeOutput, IDisposable
{
    private const ulong WakeToken = 0;
    private const ulong PathToken = 1;

    /// <summary>Behind it the number of a socket; each is used once.</summary>
    private const ulong SocketTokens = 1UL << 32;

    /// <summary>Behind it the index of a network.</summary>
    private const ulong InterfaceTokens = 1UL << 33;

    /// <summary>Full batches of one source before the others have their turn; a batch that is not full emptied it.</summary>
    private const int ReadsPerTurn = 4;

    /// <summary>
    /// Likewise of a TUN. The kernel keeps 2,048 frames of it and drops what comes then, of whatever flow: so many small ones are read in a turn
    /// that a flood has to wait, and to be dropped, in the peers' fair queues.
    /// </summary>
    private const int TunFramesPerTurn = 1024;
    private const int TunBytesPerTurn = 4 << 20;

    /// <summary>Messages of one receive call, when one brings up to 64 KiB, and when it brings one datagram.</summary>
    private const int MessagesOfRuns = 16;
    private const int MessagesOfOne = 64;

    private readonly ILogger _logger;
    private readonly Action<NodeLoop, string, IReadOnlyList<HostPort>> _resolve;
    private readonly Epoll _epoll = new();
    private readonly WakeEvent _wake = new();
    private readonly PathMonitor? _paths;
    private readonly UdpReceiveBatch _udpIn;
    private readonly TunBatch _tunIn = new();
    private readonly ConcurrentQueue<Action<Node>> _messages = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private BatchPause _pause;

    /// <summary>By the index of a network; null where it is gone. Replaced whole, since other threads look at it.</summary>
    private volatile NodeLoopInterface?[] _interfaces;

    private volatile bool _stopping;

    /// <param name="udp">The loop closes it.</param>
    /// <param name="tuns">In the order of the config's networks; the caller closes them, after the loop.</param>
    /// <param name="create">Makes the node, with this loop as its output.</param>
    /// <param name="resolve">Starts resolving a peer's host names on another thread.</param>
    public NodeLoop(
        UdpSocket udp,
        IReadOnlyList<TunDevice> tuns,
        ILogger logger,
        Func<NodeOutput, Instant, Node> create,
        Action<NodeLoop, string, IReadOnlyList<HostPort>> resolve)
    {
        _logger = logger;
        _resolve = resolve;
        _udpIn = new UdpReceiveBatch(udp.IsGroActive ? MessagesOfRuns : MessagesOfOne);
        _epoll.Add(_wake.Fd, WakeToken);
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

        _socket = AddSocket(udp);
        _interfaces = [.. tuns.Select(tun => new NodeLoopInterface(tun))];
        for (var i = 0; i < tuns.Count; i++)
        {
            _epoll.Add(tuns[i].Fd, InterfaceTokens + (ulong)i);
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

    /// <summary>Called on the loop's thread when addresses, routes or links of the host have changed, its own interfaces apart.</summary>
    public Action? PathsChanged { get; set; }

    /// <summary>Called on the loop's thread after a turn in which the node learned something to remember.</summary>
    public Action<NodeMemory>? MemoryChanged { get; set; }

    /// <summary>Called on the loop's thread when a peer has accepted the invite that was shown to it.</summary>
    public Action<PeerId>? InviterJoined { get; set; }

    public static Instant Now() => new(BootClock.Nanos(), BootClock.UtcSeconds());

    /// <summary>Why a network's packets are not put together any more, or null. For any thread.</summary>
    public string? CoalescingInactiveReason(int network) => _interfaces[network]?.Coalescer.InactiveReason;

    public void Start() => _thread.Start();

    /// <summary>Runs <paramref name="function"/> on the loop's thread, between two turns.</summary>
    /// <exception cref="InvalidOperationException">The loop has ended.</exception>
    public async Task<T> InvokeAsync<T>(Func<Node, T> function)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_completion.Task.IsCompleted)
        {
            throw new InvalidOperationException("the node has stopped");
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

        // Unlike a continuation of the loop's end, this leaves nothing behind there: the daemon runs for years, and is asked every few seconds.
        _ = await Task.WhenAny(answer.Task, _completion.Task).ConfigureAwait(false);
        return answer.Task.IsCompleted ? await answer.Task.ConfigureAwait(false) : throw new InvalidOperationException("the node has stopped");
    }

    /// <summary>Ends the loop after the present turn; what the node has written leaves first.</summary>
    public void Stop()
    {
        _stopping = true;
        _wake.Signal();
    }

    public override DropReason? Deliver(int network, ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        if (_interfaces[network] is not { } to)
        {
            return DropReason.InInterface;
        }

        var result = to.Coalescer.Add(packet, checksumPartial);
        if (result == CoalesceResult.Full)
        {
            to.Coalescer.Flush(to.Tun);
            result = to.Coalescer.Add(packet, checksumPartial);
        }

        return result switch
        {
            CoalesceResult.Ok => null,
            CoalesceResult.Invalid => DropReason.InChecksumFlag,
            _ => DropReason.InInterface,
        };
    }

    public override void Resolve(string peer, IReadOnlyList<HostPort> names) => _resolve(this, peer, names);

    public override void Joined(PeerId inviter) => InviterJoined?.Invoke(inviter);

    public override SockAddr? LocalAddressTowards(IPEndPoint remote)
    {
        if (!_socket.Udp.LocalEndPoint.Address.Equals(IPAddress.Any) && !_socket.Udp.LocalEndPoint.Address.Equals(IPAddress.IPv6Any))
        {
            // Bound to one address: packets leave from there and nowhere else.
            return RemoteAddress(_socket.Udp.LocalEndPoint);
        }

        // Connecting a UDP socket sends nothing: it asks the kernel's routing for the source address.
        try
        {
            using var probe = new Socket(remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            UdpSocket.RouteAlike(probe);
            probe.Connect(remote);
            return probe.LocalEndPoint is IPEndPoint local
                ? _socket.Udp.ToRemote(new IPEndPoint(local.Address, _socket.Udp.LocalEndPoint.Port))
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
            return _socket.Udp.ToRemote(remote);
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
        foreach (var coalesced in _interfaces)
        {
            coalesced?.Dispose();
        }

        _socket.Udp.Dispose();
        _old.Where(old => !old.IsClosed).ToList().ForEach(old => old.Udp.Dispose());
    }

    private void Run(Node node)
    {
        try
        {
            using (node)
            {
                LoopThread.Prepare();
                var hostState = 0;
                var memory = node.MemoryVersion;
                var connections = node.ConnectionsMade;
                while (!_stopping)
                {
                    Turn(node);
                    if (node.HostStateVersion != hostState)
                    {
                        hostState = node.HostStateVersion;
                        HostStateChanged?.Invoke(node.DesiredHostState());
                    }

                    if (node.ConnectionsMade != connections)
                    {
                        connections = node.ConnectionsMade;
                        _settledNanos = Now().Nanos + SettleNanos;
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
        var count = _epoll.Wait(ready, Math.Min(Math.Min(node.NextDeadline, _lookAtOldNanos), Math.Min(_releaseNanos, _settledNanos)));
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
                case >= InterfaceTokens and var token:
                    now = ReadFrames(node, (int)(token - InterfaceTokens), now);
                    break;
                case PathToken:
                    if (_paths!.Drain(OwnInterfaces()))
                    {
                        node.OnPathEvent(now);
                        PathsChanged?.Invoke();
                    }

                    break;
                case var token:
                    now = ReadDatagrams(node, token, now);
                    break;
            }
        }

        if (_lookAtOldNanos <= now.Nanos)
        {
            LookAtOldSockets(node, now);
        }

        if (node.NextDeadline <= now.Nanos)
        {
            node.OnDeadline(now);
        }

        node.Flush(now);
        foreach (var to in _interfaces)
        {
            if (to is { Coalescer.Count: > 0 })
            {
                Loaded(to.Coalescer.Count, small: 0, now);
                to.Coalescer.Flush(to.Tun);
            }
        }

        if (Math.Min(_releaseNanos, _settledNanos) <= now.Nanos)
        {
            ReleaseBuffers(node, now);
        }

        if (_pause.IsDue(now.Nanos))
        {
            // What waits now waits for a window or a pacer; either is as well served a moment later.
            LoopThread.Wait(BatchPause.PauseNanos);
        }

        Load = (GC.GetAllocatedBytesForCurrentThread(), Load.Turns + 1);
    }

    private int[] OwnInterfaces() => [.. _interfaces.OfType<NodeLoopInterface>().Select(own => own.Tun.InterfaceIndex)];

    private Instant ReadFrames(Node node, int network, Instant now)
    {
        if (_interfaces[network] is not { } from)
        {
            // It went in this very turn, after epoll had spoken of it.
            return now;
        }

        var bytes = 0;
        for (var frames = 0; frames < TunFramesPerTurn && bytes < TunBytesPerTurn && from.Tun.Read(_tunIn); frames += _tunIn.Count)
        {
            now = Now();
            bytes += _tunIn.Bytes;
            node.OnTun(network, _tunIn, now);
            Loaded(_tunIn.Count, _tunIn.CountUpTo(BatchPause.SmallBytes), now);
            if (_tunIn.Count < _tunIn.Capacity)
            {
                break;
            }
        }

        return now;
    }

    private Instant ReadDatagrams(Node node, ulong token, Instant now)
    {
        if (SocketOf(token) is not { } udp)
        {
            return now;
        }

        for (var reads = 0; reads < ReadsPerTurn && udp.Receive(_udpIn) > 0; reads++)
        {
            // Asked anew: what was sent earlier in this turn may be acknowledged here, and a round trip of zero misleads BBR.
            now = Now();
            node.OnUdp(_udpIn, now);
            Loaded(_udpIn.Count, _udpIn.CountUpTo(BatchPause.SmallBytes), now);
            if (_udpIn.Count < _udpIn.Capacity)
            {
                break;
            }
        }

        return now;
    }
}
