using System.Net;
using System.Net.Sockets;
using VibePN.Api;

namespace VibePN.Doctor.Bench;

/// <summary>Measures a line together with a <see cref="BenchServer"/>: the tests one after the other, each inside and then outside.</summary>
public sealed class BenchClient
{
    private const int MaxEchoMillis = 1000;
    private const int MaxUdpMillis = 2000;
    private const int DatagramBytes = 1200;
    private const int MaxHeaderBytes = 48;
    private const int CalmMillis = 100;

    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    /// <summary>From <see cref="BenchTest.Echo"/> on.</summary>
    private static readonly string[] Tests = ["round trip", "TCP up", "TCP down", "UDP up", "UDP down"];

    private readonly PeerDto _peer;
    private readonly IPAddress _inside;
    private readonly IPAddress? _outside;
    private readonly BenchOptions _options;
    private readonly Func<StatusDto?> _ask;
    private readonly Action<string, double, double?> _told;
    private readonly List<BenchFlowDto> _flows = [];
    private BenchEndDto? _here;
    private BenchEndDto? _there;
    private double? _idle;
    private double? _outsideIdle;
    private string? _outsideProblem;
    private readonly string?[] _tcpProblem = new string?[2];
    private readonly string?[] _udpProblem = new string?[2];

    /// <param name="peer">As the daemon knows it.</param>
    /// <param name="inside">Its address in the tunnel.</param>
    /// <param name="outside">Beside it; null: not known.</param>
    /// <param name="options">What to measure.</param>
    /// <param name="ask">What the daemon here says; null: it does not.</param>
    /// <param name="told">What goes on, how much of all is done (0 to 1), and Mbit/s; from the calling thread.</param>
    public BenchClient(PeerDto peer, IPAddress inside, IPAddress? outside, BenchOptions options, Func<StatusDto?> ask, Action<string, double, double?> told)
    {
        (_peer, _inside, _outside, _options, _ask, _told) = (peer, inside, outside, options, ask, told);
        if (outside is null && options.Outside)
        {
            _outsideProblem = "the daemon does not say where the peer is outside of the tunnel";
        }
    }

    /// <summary>Takes its time, on this thread.</summary>
    /// <param name="cancel">Ends it; what was measured until then is returned.</param>
    /// <exception cref="BenchException">There is no server, or it measures with somebody else.</exception>
    public BenchDto Run(CancellationToken cancel)
    {
        using Socket control = Connect(cancel);
        BenchMessage hello = Expect(control, BenchKind.Ready, cancel);
        IPEndPoint inside = new(_inside, _options.Port);
        IPEndPoint? outside = _options.Outside && _outside is not null ? new IPEndPoint(_outside, hello.Port) : null;
        if (outside is not null && GoesInside(outside))
        {
            (outside, _outsideProblem) = (null, $"this host's route to {_outside} goes into the tunnel, so there is nothing to measure beside it");
        }

        bool isLost = false;
        try
        {
            int total = Tests.Length * ((_options.Inside ? 1 : 0) + (outside is null ? 0 : 1)), done = 0;
            for (int i = 0; i < Tests.Length; i++)
            {
                BenchTest test = (BenchTest)((int)BenchTest.Echo + i);
                if (_options.Inside)
                {
                    Measure(control, test, Tests[i], inside, isOutside: false, done++ / (double)total, 1.0 / total, cancel);
                }

                if (outside is not null)
                {
                    Measure(control, test, Tests[i], outside, isOutside: true, done++ / (double)total, 1.0 / total, cancel);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // What there is is told.
        }
        catch (BenchException) when (_flows.Count > 0)
        {
            isLost = true;
        }

        List<FindingDto> steps = [];
        BenchDto answer = new()
        {
            Peer = _peer.Name,
            Address = _inside.ToString(),
            Outside = _outside?.ToString(),
            InsideProblem = Problem(0),
            OutsideProblem = _outsideProblem ?? Problem(1),
            Seconds = _options.Time.TotalSeconds,
            Complete = !cancel.IsCancellationRequested && !isLost,
            IdleMillis = _idle,
            OutsideIdleMillis = _outsideIdle,
            Flows = _flows,
            Here = _here,
            There = _there,
            Steps = steps,
        };
        answer.Answer = BenchVerdict.Judge(answer, steps);
        return answer;
    }

    private void Measure(Socket control, BenchTest test, string name, IPEndPoint to, bool isOutside, double done, double share, CancellationToken cancel)
    {
        bool isUdp = test is BenchTest.UdpUp or BenchTest.UdpDown or BenchTest.Echo;
        int side = isOutside ? 1 : 0;
        if ((isOutside && _outsideProblem is not null) || (isUdp ? _udpProblem : _tcpProblem)[side] is not null)
        {
            return;
        }

        cancel.ThrowIfCancellationRequested();
        string what = $"{name} {(isOutside ? "outside" : "inside")}";
        int millis = (int)_options.Time.TotalMilliseconds;
        int room = _peer.MtuBytes is { } mtu and > MaxHeaderBytes + BenchMessage.MinDatagramBytes ? mtu - MaxHeaderBytes : DatagramBytes;
        BenchMessage request = new()
        {
            Kind = BenchKind.Run,
            Test = test,
            IsOutside = isOutside,
            Millis = Math.Clamp(test == BenchTest.Echo ? Math.Min(millis, MaxEchoMillis) : isUdp ? Math.Min(millis, MaxUdpMillis) : millis, BenchMessage.MinMillis, BenchMessage.MaxMillis),
            RateKilobits = isUdp ? _options.UdpKilobits : 0,
            DatagramBytes = isUdp ? Math.Min(DatagramBytes, room) : 0,
        };
        _told(what, done, null);
        BenchMessage ready = Ask(control, request, cancel);
        if (ready.Kind == BenchKind.Refused)
        {
            _outsideProblem = $"{_peer.Name} cannot open port {ready.Port} outside: something else has it";
            return;
        }

        StatusDto? before = _ask();
        BenchFlowRunner flow = new(request, to, ready.Token, (part, rate) => _told(what, done + (share * part), rate), cancel);
        try
        {
            flow.Run(new CpuMeter(before?.Pid ?? 0));
        }
        catch (SocketException failure)
        {
            throw new BenchException($"{what}: {failure.Message}", failure);
        }

        BenchMessage? result = BenchSockets.Send(control, new BenchMessage { Kind = BenchKind.End })
            ? BenchSockets.Receive(control, AnswerTime, static () => false)
            : null;
        Note(test, isOutside, flow, result?.Kind == BenchKind.Result ? result : null);
        if (result?.Kind != BenchKind.Result)
        {
            throw new BenchException($"'bench serve' on {_peer.Name} has ended");
        }

        // Until what the flow has left in queues is gone.
        _ = cancel.WaitHandle.WaitOne(CalmMillis);
    }

    private void Note(BenchTest test, bool isOutside, BenchFlowRunner flow, BenchMessage? result)
    {
        if (test == BenchTest.Echo)
        {
            double? median = BenchText.At(flow.RoundTrips, 0.5);
            (_idle, _outsideIdle) = isOutside ? (_idle, median) : (median, _outsideIdle);
        }
        else if (flow.IsMeasured && (result is not null || test is BenchTest.TcpDown))
        {
            _flows.Add(flow.ToDto(result));
        }

        if (flow.Problem is { } problem)
        {
            (test is BenchTest.TcpUp or BenchTest.TcpDown ? _tcpProblem : _udpProblem)[isOutside ? 1 : 0] = problem;
        }

        if (!isOutside)
        {
            _here = BenchEnds.Worst(_here, BenchEnds.Of(_ask(), BenchEnds.Named(_inside)));
            _there = BenchEnds.Worst(_there, result is null ? null : BenchEnds.OfMessage(result));
        }
    }

    private string? Problem(int side) => _tcpProblem[side] is { } tcp && _udpProblem[side] is { } udp ? $"{tcp}; {udp}" : _tcpProblem[side] ?? _udpProblem[side];

    private Socket Connect(CancellationToken cancel)
    {
        Socket? socket = BenchSockets.Connect(new IPEndPoint(_inside, _options.Port), ConnectTime, cancel, out SocketError error);
        if (socket is not null && BenchSockets.Send(socket, new BenchMessage { Kind = BenchKind.Hello }))
        {
            return socket;
        }

        socket?.Dispose();
        string port = _options.Port == BenchServer.DefaultPort ? "" : $" --port {_options.Port}";
        throw new BenchException(error switch
        {
            SocketError.ConnectionRefused => $"nobody on {_peer.Name} takes part in a measurement; run there: vpnctl bench serve{port}",
            SocketError.TimedOut => $"{_peer.Name} does not answer at TCP port {_options.Port} of {_inside}: run there 'vpnctl bench serve{port}', and let its firewall take that port from the tunnel; 'vibepn ping {_peer.Name}' shows whether the tunnel works",
            _ => $"{_inside} cannot be reached ({error}); 'vibepn explain {_inside}' says why",
        });
    }

    private BenchMessage Ask(Socket control, BenchMessage request, CancellationToken cancel)
    {
        if (!BenchSockets.Send(control, request))
        {
            throw new BenchException($"'bench serve' on {_peer.Name} has ended");
        }

        return Expect(control, BenchKind.Ready, cancel);
    }

    /// <returns>Of that kind, or a refusal for want of the port outside.</returns>
    private BenchMessage Expect(Socket control, BenchKind kind, CancellationToken cancel)
    {
        BenchMessage? answer = BenchSockets.Receive(control, AnswerTime, () => cancel.IsCancellationRequested);
        cancel.ThrowIfCancellationRequested();
        return answer switch
        {
            { Kind: BenchKind.Refused, Status: BenchStatus.NoPort } => answer,
            { Kind: BenchKind.Refused, Status: BenchStatus.Busy } => throw new BenchException($"{_peer.Name} measures with somebody else at present; try again in a minute"),
            { } message when message.Kind == kind => answer,
            null => throw new BenchException($"what answers at TCP port {_options.Port} of {_peer.Name} is no 'vpnctl bench serve', or has ended"),
            _ => throw new BenchException($"'bench serve' on {_peer.Name} does not know this test: is it of another version?"),
        };
    }

    /// <summary>The route to the peer's address outside leads into the tunnel.</summary>
    private bool GoesInside(IPEndPoint outside)
    {
        try
        {
            using Socket socket = new(outside.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(outside);
            string own = ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
            foreach (NetworkDto network in _ask()?.Networks ?? [])
            {
                if (network.Addresses.Contains(own))
                {
                    return true;
                }
            }
        }
        catch (SocketException)
        {
            // No route: the test itself will say so.
        }

        return false;
    }
}
