using System.Globalization;
using System.Net;
using VibePN.Linux;

namespace VibePN.Bench.Relay;

/// <summary>
/// The subcommand <c>relay</c>: stands between two hosts and passes UDP datagrams on, each direction over a <see cref="LineQueue"/>.
/// It says <c>ready</c> and runs until it is killed.
/// </summary>
internal sealed class RelayProgram : IDisposable
{
    private const int Sides = 2;

    private readonly Epoll _epoll = new();
    private readonly UdpReceiveBatch _received = new();
    private readonly UdpSendBatch _sending = new();
    private readonly EpollReady[] _ready = new EpollReady[64];
    private readonly UdpSocket[] _sockets;
    private readonly SockAddr[] _remotes;

    /// <summary>By the side at which they end: 0 left, 1 right.</summary>
    private readonly LineQueue[] _lines;

    private RelayProgram(RelayOptions options)
    {
        _lines = [new LineQueue(options.Line, options.Seed), new LineQueue(options.Line, options.Seed + 1)];
        _sockets = new UdpSocket[options.Ports.Count * Sides];
        _remotes = new SockAddr[_sockets.Length];
        for (var i = 0; i < _sockets.Length; i++)
        {
            var port = options.Ports[i / Sides];
            _sockets[i] = UdpSocket.Bind(new IPEndPoint(i % Sides == 0 ? options.Left : options.Right, port), new UdpOptions());
            _remotes[i] = _sockets[i].ToRemote(new IPEndPoint(i % Sides == 0 ? options.LeftPeer : options.RightPeer, port));
            _epoll.Add(_sockets[i].Fd, (ulong)i);
        }
    }

    public static int Execute(IEnumerable<string> arguments)
    {
        RelayOptions options;
        try
        {
            options = RelayOptions.Parse(arguments);
        }
        catch (FormatException exception)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"relay: {exception.Message}"));
            return 2;
        }

        using RelayProgram relay = new(options);
        Console.WriteLine("ready");
        while (true)
        {
            relay.Turn();
        }
    }

    public void Dispose()
    {
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        _sending.Dispose();
        _received.Dispose();
        _epoll.Dispose();
    }

    private void Turn()
    {
        var count = _epoll.Wait(_ready, Math.Min(_lines[0].NextNanos, _lines[1].NextNanos));
        var now = BootClock.Nanos();
        for (var i = 0; i < count; i++)
        {
            Receive((int)_ready[i].Token, now);
        }

        Deliver(0, now);
        Deliver(1, now);
    }

    private void Receive(int index, ulong now)
    {
        if (_sockets[index].Receive(_received) == 0)
        {
            return;
        }

        var line = _lines[1 - (index % Sides)];
        for (var i = 0; i < _received.Count; i++)
        {
            var run = _received[i];
            var rest = run.Bytes;
            while (rest.Length > 0)
            {
                var bytes = Math.Min(run.SegmentBytes, rest.Length);
                line.Offer(rest[..bytes], index ^ 1, now);
                rest = rest[bytes..];
            }
        }
    }

    private void Deliver(int side, ulong now)
    {
        var target = -1;
        while (_lines[side].TryTake(now, out var datagram))
        {
            if (datagram.Tag != target || _sending.IsFull)
            {
                Send(target);
                target = datagram.Tag;
            }

            datagram.Bytes.CopyTo(_sending.Reserve(datagram.Bytes.Length));
            _sending.Commit(datagram.Bytes.Length, _remotes[target], default, ecn: 0);
        }

        Send(target);
    }

    /// <summary>What the kernel does not take is lost, as on any line.</summary>
    private void Send(int target)
    {
        if (target >= 0 && _sockets[target].Send(_sending) == UdpSendResult.WouldBlock)
        {
            _sending.Clear();
        }
    }
}
