using System.Net;
using System.Net.Sockets;
using VibePN.Api;

namespace VibePN.Doctor.Bench;

/// <summary>
/// The peer's side of a measurement: takes part in what a client asks, one client at a time. Whoever is in the tunnel can speak to it, so every field is
/// checked, every wait has an end, and connections are counted. Outside of the tunnel it is there only while a client that came inside measures there.
/// </summary>
public sealed class BenchServer : IDisposable
{
    public const int DefaultPort = 51821;

    /// <summary>A measurement has ten tests.</summary>
    private const int MaxTests = 16;

    private const int MaxConnections = 8;
    private const int StackBytes = 256 * 1024;
    private const int MaxDatagramsPerTurn = 256;

    private static readonly TimeSpan HelloTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan NextTestTime = TimeSpan.FromSeconds(10);

    private readonly List<Socket> _listeners = [];
    private readonly IReadOnlyList<BenchAddress> _addresses;
    private readonly int _port;
    private readonly Func<StatusDto?> _ask;
    private readonly Action<string> _tell;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private volatile bool _isOver;
    private volatile BenchPhase? _phase;
    private int _connections;
    private int _sessions;

    /// <param name="addresses">Own ones inside, at least one.</param>
    /// <param name="port">Inside; outside it is the next one.</param>
    /// <param name="ask">What the daemon says; null: it does not.</param>
    /// <param name="tell">A line for people; from any thread.</param>
    /// <exception cref="BenchException">The port cannot be had.</exception>
    public BenchServer(IReadOnlyList<BenchAddress> addresses, int port, Func<StatusDto?> ask, Action<string> tell)
    {
        (_addresses, _port, _ask, _tell) = (addresses, port, ask, tell);
        try
        {
            foreach (BenchAddress one in addresses)
            {
                _listeners.Add(BenchSockets.Open(new IPEndPoint(one.Address, port), one.Device, SocketType.Stream));
            }
        }
        catch (SocketException failure)
        {
            Dispose();
            throw new BenchException($"TCP port {port} of the addresses inside cannot be had: {failure.Message}; is there another 'bench serve'? --port takes another one, on both sides", failure);
        }
    }

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<EndPoint> Listening => [.. _listeners.Select(one => one.LocalEndPoint!)];

    /// <summary>Until then, on this thread. Threads that serve somebody end within the next poll of theirs.</summary>
    public void Run(CancellationToken until)
    {
        while (!until.IsCancellationRequested)
        {
            for (int i = 0; i < _listeners.Count; i++)
            {
                if (_listeners[i].Poll(BenchSockets.PollMicros / _listeners.Count, SelectMode.SelectRead))
                {
                    Accept(_listeners[i], _addresses[i].Device, isOutside: false);
                }
            }
        }

        _isOver = true;
    }

    public void Dispose()
    {
        _isOver = true;
        foreach (Socket listener in _listeners)
        {
            listener.Dispose();
        }
    }

    private void Accept(Socket listener, string? device, bool isOutside)
    {
        Socket socket;
        try
        {
            socket = listener.Accept();
        }
        catch (SocketException)
        {
            // It has gone again.
            return;
        }

        if (Interlocked.Increment(ref _connections) > MaxConnections)
        {
            Interlocked.Decrement(ref _connections);
            socket.Dispose();
            return;
        }

        new Thread(() => Serve(socket, device, isOutside), StackBytes) { IsBackground = true }.Start();
    }

    private void Serve(Socket socket, string? device, bool isOutside)
    {
        try
        {
            socket.Blocking = false;
            socket.NoDelay = true;
            BenchMessage? hello = BenchSockets.Receive(socket, HelloTime, () => _isOver);
            if (hello?.Kind == BenchKind.Data)
            {
                _phase?.Join(socket, hello, isOutside);
            }
            else if (hello?.Kind == BenchKind.Hello && !isOutside)
            {
                Session(socket, device);
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // Whoever it was is gone.
        }
        finally
        {
            socket.Dispose();
            Interlocked.Decrement(ref _connections);
        }
    }

    private void Session(Socket control, string? device)
    {
        if (Interlocked.CompareExchange(ref _sessions, 1, 0) != 0)
        {
            _ = BenchSockets.Send(control, new BenchMessage { Kind = BenchKind.Refused, Status = BenchStatus.Busy });
            return;
        }

        try
        {
            _tell($"{control.RemoteEndPoint} measures");
            bool isFine = BenchSockets.Send(control, new BenchMessage { Kind = BenchKind.Ready, Port = _port + 1 });
            int tests = 0;
            while (isFine && tests < MaxTests && BenchSockets.Receive(control, NextTestTime, () => _isOver) is { Kind: BenchKind.Run } request)
            {
                tests++;
                isFine = request.IsRunnable ? Test(control, device, request)
                    : BenchSockets.Send(control, new BenchMessage { Kind = BenchKind.Refused, Status = BenchStatus.BadRequest });
            }

            _tell($"{control.RemoteEndPoint} has ended after {tests} tests");
        }
        finally
        {
            Volatile.Write(ref _sessions, 0);
        }
    }

    /// <returns>False: the session ends.</returns>
    private bool Test(Socket control, string? device, BenchMessage request)
    {
        Socket? udp = null, listener = null;
        BenchPhase phase = new(request);
        try
        {
            if (request.IsOutside)
            {
                udp = BenchSockets.OpenAny(_port + 1, SocketType.Dgram);
                listener = BenchSockets.OpenAny(_port + 1, SocketType.Stream);
            }
            else
            {
                udp = BenchSockets.Open((IPEndPoint)control.LocalEndPoint!, device, SocketType.Dgram);
            }

            StatusDto? status = _ask();
            CpuMeter cpu = new(status?.Pid ?? 0);
            _phase = phase;
            if (!BenchSockets.Send(control, new BenchMessage { Kind = BenchKind.Ready, Port = request.IsOutside ? _port + 1 : _port, Token = phase.Token }))
            {
                return false;
            }

            (double? Daemon, double? Busy) load = Pump(control, udp, listener, phase, cpu);
            return BenchSockets.Receive(control, TimeSpan.FromMilliseconds(1), () => _isOver) is { Kind: BenchKind.End }
                && BenchSockets.Send(control, Result(phase, load, ((IPEndPoint)control.RemoteEndPoint!).Address));
        }
        catch (SocketException) when (udp is null || (request.IsOutside && listener is null))
        {
            return BenchSockets.Send(control, new BenchMessage { Kind = BenchKind.Refused, Status = BenchStatus.NoPort, Port = _port + 1 });
        }
        finally
        {
            phase.Stop();
            _phase = null;
            udp?.Dispose();
            listener?.Dispose();
        }
    }

    /// <summary>Until the client says something (that it has ended), or is gone, or the time is over.</summary>
    private (double? Daemon, double? Busy) Pump(Socket control, Socket udp, Socket? listener, BenchPhase phase, CpuMeter cpu)
    {
        long end = BenchSockets.NowMicros + (phase.Request.Millis * 1000L) + 10_000_000;
        (double?, double?)? load = null;
        SocketAddress from = new(udp.AddressFamily);
        while (!_isOver && BenchSockets.NowMicros < end && !control.Poll(0, SelectMode.SelectRead))
        {
            bool paces = phase.Pacer is { IsOver: false };
            if (udp.Poll(paces ? 1000 : listener is null ? BenchSockets.PollMicros : 5000, SelectMode.SelectRead))
            {
                for (int i = 0; i < MaxDatagramsPerTurn && BenchSockets.ReceiveFrom(udp, _buffer, from) is >= 0 and var bytes; i++)
                {
                    phase.Take(udp, _buffer.AsSpan(0, bytes), from);
                }
            }

            if (listener?.Poll(0, SelectMode.SelectRead) == true)
            {
                Accept(listener, null, isOutside: true);
            }

            phase.Pacer?.Send(udp, phase.PacerTo);
            if (load is null && (phase.IsDone || phase.Pacer is { IsOver: true }))
            {
                load = cpu.Take();
            }
        }

        // The flow's own thread may have the last word still to say.
        phase.Stop();
        phase.WaitForFlow();
        return load ?? cpu.Take();
    }

    private BenchMessage Result(BenchPhase phase, (double? Daemon, double? Busy) load, IPAddress client)
    {
        BenchEndDto end = BenchEnds.Of(_ask(), BenchEnds.Named(client)) ?? new BenchEndDto();
        UdpMeter meter = phase.Meter;
        bool isTcp = phase.Request.Test is BenchTest.TcpUp;
        (long Bytes, long Micros) drained = phase.IsDone ? phase.Drained : default;
        return new BenchMessage
        {
            Kind = BenchKind.Result,
            Test = phase.Request.Test,
            IsOutside = phase.Request.IsOutside,
            Received = isTcp ? drained.Bytes : meter.Bytes,
            Micros = isTcp ? drained.Micros : meter.LastMicros - meter.FirstMicros,
            Packets = meter.Packets,
            Sent = phase.Pacer?.Sent ?? 0,
            Reordered = meter.Reordered,
            JitterMicros = meter.JitterMicros,
            DaemonPermille = load.Daemon is { } daemon ? (int)Math.Min(daemon * 1000, BenchMessage.Unknown - 1) : BenchMessage.Unknown,
            BusyPermille = load.Busy is { } busy ? (int)(busy * 1000) : BenchMessage.Unknown,
            MtuBytes = end.MtuBytes ?? 0,
            Loss = end.Loss,
            QueueMillis = (int)Math.Min(end.QueueMillis ?? 0, 600_000),
            Flags = BenchEnds.FlagsOf(end),
        };
    }
}
