// What comes and goes while the loop runs: interfaces of networks, and the socket. All of it on the loop's thread (NodeLoop.InvokeAsync).
using System.Net;
using VibePN.Config;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class NodeLoop
{
    /// <summary>An old socket stays for connections that have yet to move, but no longer: then the port is somebody else's.</summary>
    internal const ulong OldSocketNanos = 30_000_000_000;

    /// <summary>Between two looks at who still needs an old socket.</summary>
    private const ulong LookAtOldNanos = 500_000_000;

    /// <summary>Old ones at a time; a further change closes the oldest at once.</summary>
    private const int MaxOldSockets = 4;

    private readonly List<NodeLoopSocket> _old = [];
    private volatile IReadOnlyList<IPEndPoint> _oldEndPoints = [];

    /// <summary>New connections are made by it.</summary>
    private NodeLoopSocket _socket;
    private ulong _sockets;
    private ulong _lookAtOldNanos = ulong.MaxValue;

    /// <summary>The socket in use, for any thread to ask about; the loop closes it.</summary>
    public UdpSocket Udp => Volatile.Read(ref _socket).Udp;

    /// <summary>Of old sockets that are still open, for any thread.</summary>
    public IReadOnlyList<IPEndPoint> OldEndPoints => _oldEndPoints;

    /// <summary>An old socket that is still open at <paramref name="listen"/>, to be used anew, or null.</summary>
    public UdpSocket? FindOldSocket(IPEndPoint listen) => _old.Find(old => !old.IsClosed && old.Udp.LocalEndPoint.Equals(listen))?.Udp;

    /// <summary>Gives the node another config, and its new networks their interfaces.</summary>
    /// <param name="tunOf">The device of a network that is new: an open one, which may be another network's so far. The caller closes them.</param>
    /// <param name="detached">Devices that serve no network any more, still open.</param>
    /// <exception cref="LinuxException">A device cannot be watched; nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">The node refused; nothing has changed.</exception>
    public NodeChange ChangeConfig(Node node, NodeConfig config, Func<NetworkConfig, TunDevice> tunOf, Instant now, out IReadOnlyList<TunDevice> detached)
    {
        var before = _interfaces;
        var opened = new List<TunDevice>();
        NodeChange change;
        try
        {
            change = node.Apply(config, InterfaceIndex, now);
        }
        catch
        {
            opened.Where(IsNew).ToList().ForEach(tun => _epoll.Remove(tun.Fd));
            throw;
        }

        var closed = change.Closed.Select(network => before[network]!).ToList();
        foreach (var gone in closed)
        {
            gone.Coalescer.Flush(gone.Tun);
            if (opened.IndexOf(gone.Tun) is >= 0 and var heir)
            {
                _epoll.Modify(gone.Tun.Fd, TokenOf(heir));
            }
            else
            {
                _epoll.Remove(gone.Tun.Fd);
            }
        }

        _interfaces = [.. before.Select(one => one is null || closed.Contains(one) ? null : one), .. opened.Select(tun => new NodeLoopInterface(tun))];
        closed.ForEach(gone => gone.Dispose());
        detached = [.. closed.Select(gone => gone.Tun).Except(opened)];
        return change;

        bool IsNew(TunDevice tun) => !before.Any(one => one?.Tun == tun);

        ulong TokenOf(int place) => InterfaceTokens + (ulong)(before.Length + place);

        int InterfaceIndex(NetworkConfig network)
        {
            var tun = tunOf(network);
            if (IsNew(tun))
            {
                _epoll.Add(tun.Fd, TokenOf(opened.Count));
            }

            opened.Add(tun);
            return tun.InterfaceIndex;
        }
    }

    /// <summary>
    /// Makes new connections by another socket from now on, and moves the peers to it. The one before stays until nobody is connected by it,
    /// <see cref="OldSocketNanos"/> at most.
    /// </summary>
    /// <param name="udp">A new one, or one of <see cref="FindOldSocket"/>; the loop closes it.</param>
    public void ChangeSocket(Node node, UdpSocket udp, Instant now)
    {
        var before = _socket;
        if (_old.Find(old => old.Udp == udp) is { } again)
        {
            _old.Remove(again);
            again.CloseNanos = ulong.MaxValue;
            Volatile.Write(ref _socket, again);
        }
        else
        {
            Volatile.Write(ref _socket, AddSocket(udp));
        }

        before.CloseNanos = now.Nanos + OldSocketNanos;
        _old.Add(before);
        if (TakesAwayFrom(before.Udp.LocalEndPoint, udp.LocalEndPoint))
        {
            node.Flush(now);
            Close(before);
        }

        if (_old.Count > MaxOldSockets)
        {
            _old[0].CloseNanos = now.Nanos;
        }

        LookAtOldSockets(node, now);
    }

    public override bool Transmit(UdpSendBatch batch)
    {
        if (_old.Count == 0)
        {
            return Transmit(_socket, batch, batch.Count);
        }

        while (batch.Count > 0)
        {
            var socket = SocketFor(batch[0].Local);
            var count = 1;
            while (count < batch.Count && SocketFor(batch[count].Local) == socket)
            {
                count++;
            }

            if (!Transmit(socket, batch, count))
            {
                return false;
            }
        }

        return true;
    }

    private bool Transmit(NodeLoopSocket socket, UdpSendBatch batch, int count)
    {
        var done = socket.Udp.Send(batch, count) == UdpSendResult.Done;
        if (done == socket.WaitsForWritable)
        {
            socket.WaitsForWritable = !done;
            _epoll.Modify(socket.Udp.Fd, socket.Token, writable: socket.WaitsForWritable);
        }

        return done;
    }

    private NodeLoopSocket AddSocket(UdpSocket udp)
    {
        var added = new NodeLoopSocket(udp, SocketTokens + _sockets++);
        _epoll.Add(udp.Fd, added.Token);
        return added;
    }

    private NodeLoopSocket SocketFor(in SockAddr local)
    {
        if (!_socket.Udp.Owns(local))
        {
            foreach (var old in _old)
            {
                if (!old.IsClosed && old.Udp.Owns(local))
                {
                    return old;
                }
            }
        }

        return _socket;
    }

    private UdpSocket? SocketOf(ulong token)
    {
        if (_socket.Token == token)
        {
            return _socket.Udp;
        }

        foreach (var old in _old)
        {
            if (old.Token == token && !old.IsClosed)
            {
                return old.Udp;
            }
        }

        return null;
    }

    /// <summary>Closes old sockets that nobody uses any more, or whose time is over.</summary>
    private void LookAtOldSockets(Node node, Instant now)
    {
        for (var i = _old.Count - 1; i >= 0; i--)
        {
            var (old, isOver) = (_old[i], _old[i].CloseNanos <= now.Nanos);
            if (node.LeaveSocket(old.Udp.Owns, isOver, now) > 0 && !isOver)
            {
                continue;
            }

            // The closing words leave by it.
            node.Flush(now);
            _old.RemoveAt(i);
            Close(old);
        }

        _oldEndPoints = [.. _old.Where(old => !old.IsClosed).Select(old => old.Udp.LocalEndPoint)];
        _lookAtOldNanos = _old.Count == 0 ? ulong.MaxValue : now.Nanos + LookAtOldNanos;
    }

    private void Close(NodeLoopSocket old)
    {
        if (!old.IsClosed)
        {
            old.IsClosed = true;
            _epoll.Remove(old.Udp.Fd);
            Log.SocketClosed(_logger, old.Udp.LocalEndPoint.ToString());
            old.Udp.Dispose();
        }
    }

    /// <summary>
    /// On one port the kernel gives what arrives to the more precise address, IPv4 before both families: as long as the old socket is
    /// there, the new one would hear nothing.
    /// </summary>
    private static bool TakesAwayFrom(IPEndPoint old, IPEndPoint now) => old.Port == now.Port
        && (now.Address.Equals(IPAddress.IPv6Any) || (now.Address.Equals(IPAddress.Any) && !old.Address.Equals(IPAddress.IPv6Any)));
}
