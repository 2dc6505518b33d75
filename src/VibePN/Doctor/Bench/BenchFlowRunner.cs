using System.Net;
using System.Net.Sockets;
using VibePN.Api;

namespace VibePN.Doctor.Bench;

/// <summary>The client's part of one test: moves the bytes, and probes the round trip beside them.</summary>
/// <param name="request">The test.</param>
/// <param name="to">Where the server takes part in it.</param>
/// <param name="token">Of this test.</param>
/// <param name="told">Done so far, 0 to 1, and Mbit/s.</param>
/// <param name="cancel">Ends it early; what was measured stays.</param>
internal sealed class BenchFlowRunner(BenchMessage request, IPEndPoint to, byte[] token, Action<double, double?> told, CancellationToken cancel)
{
    private const int ProbeMicros = 20_000;
    private const int ProbeBytes = 128;

    /// <summary>How long the last probes, datagrams and answers of the server are waited for.</summary>
    private const int LateMicros = 300_000;

    /// <summary>How long the first answer is waited for.</summary>
    private const int FirstMicros = 1_500_000;

    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(3);

    private readonly List<double> _probes = [];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly UdpMeter _meter = new();
    private UdpPacer? _pacer;
    private long _bytes;
    private long _micros;
    private double _rate;

    /// <summary>Why the server could not be reached; null: it was.</summary>
    public string? Problem { get; private set; }

    /// <summary>Round trips in milliseconds, sorted.</summary>
    public List<double> RoundTrips => _probes;

    public (double? Daemon, double? Busy) Load { get; private set; }

    /// <summary>False: there is nothing to tell.</summary>
    public bool IsMeasured => Problem is null && (request.Test is BenchTest.TcpUp or BenchTest.UdpUp || _bytes > 0);

    public void Run(CpuMeter cpu)
    {
        using Socket udp = new(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        udp.Connect(to);
        udp.Blocking = false;
        switch (request.Test)
        {
            case BenchTest.Echo:
                Probe(udp, BenchSockets.NowMicros + (request.Millis * 1000L), () => false);
                Problem = _probes.Count > 0 || cancel.IsCancellationRequested ? null : $"UDP port {to.Port} of {to.Address} does not answer";
                break;
            case BenchTest.TcpUp or BenchTest.TcpDown:
                Tcp(udp);
                break;
            case BenchTest.UdpUp:
                UdpUp(udp);
                break;
            default:
                UdpDown(udp);
                break;
        }

        Load = cpu.Take();
    }

    /// <summary>What both sides saw of it.</summary>
    /// <param name="result">Of the server; null: it was ended before.</param>
    public BenchFlowDto ToDto(BenchMessage? result)
    {
        bool isTcp = request.Test is BenchTest.TcpUp or BenchTest.TcpDown, isUp = request.Test is BenchTest.TcpUp or BenchTest.UdpUp;
        long bytes = isUp ? result?.Received ?? 0 : _bytes, micros = isUp ? result?.Micros ?? 0 : _micros;
        long sent = Math.Max(0, isUp ? _pacer?.Sent ?? 0 : result?.Sent ?? 0), received = Math.Min(isUp ? result?.Packets ?? 0 : _meter.Packets, Math.Max(sent, 0));
        return new BenchFlowDto
        {
            Inside = !request.IsOutside,
            Protocol = isTcp ? "tcp" : "udp",
            Up = isUp,
            MegabitsPerSecond = micros > 0 ? Math.Round(bytes * 8.0 / micros, 3) : 0,
            LoadedMillis = isTcp ? BenchText.At(RoundTrips, 0.5) : null,
            LoadedP95Millis = isTcp ? BenchText.At(RoundTrips, 0.95) : null,
            DaemonHere = Round(Load.Daemon),
            DaemonThere = Share(result?.DaemonPermille),
            BusyHere = Round(Load.Busy),
            BusyThere = Share(result?.BusyPermille),
            Sent = isTcp ? null : sent,
            Received = isTcp ? null : received,
            Loss = isTcp || sent == 0 ? null : Math.Round((sent - received) / (double)sent, 5),
            JitterMillis = isTcp ? null : (isUp ? result?.JitterMicros ?? 0 : _meter.JitterMicros) / 1000.0,
            Reordered = isTcp ? null : isUp ? result?.Reordered ?? 0 : _meter.Reordered,
        };
    }

    private void Tcp(Socket udp)
    {
        using Socket? socket = BenchSockets.Connect(to, ConnectTime, cancel, out SocketError error);
        if (socket is null)
        {
            Problem = $"TCP port {to.Port} of {to.Address} {(error == SocketError.ConnectionRefused ? "refuses connections" : error == SocketError.TimedOut ? "does not answer" : $"cannot be reached ({error})")}";
            return;
        }

        if (!BenchSockets.Send(socket, new BenchMessage { Kind = BenchKind.Data, Token = token }))
        {
            Problem = $"TCP port {to.Port} of {to.Address} has closed the connection";
            return;
        }

        bool isDone = false;
        Thread mover = new(() =>
        {
            if (request.Test == BenchTest.TcpUp)
            {
                BenchSockets.Pour(socket, request.Millis, () => cancel.IsCancellationRequested);
            }
            else
            {
                (_bytes, _micros) = BenchSockets.Drain(socket, request.Millis, () => cancel.IsCancellationRequested, Tell);
            }

            Volatile.Write(ref isDone, true);
        })
        { IsBackground = true };
        mover.Start();
        Probe(udp, BenchSockets.NowMicros + (request.Millis * 1000L), () => Volatile.Read(ref isDone));
        mover.Join();
    }

    private void Tell(long bytes, long micros) => Volatile.Write(ref _rate, micros > 0 ? bytes * 8.0 / micros : 0);

    private void UdpUp(Socket udp)
    {
        UdpPacer pacer = _pacer = new UdpPacer(token, request.Millis, request.RateKilobits, request.DatagramBytes);
        long start = BenchSockets.NowMicros;
        while (!pacer.IsOver && !cancel.IsCancellationRequested)
        {
            pacer.Send(udp, null);
            // Readable is what ICMP says of a port that is closed, at most.
            if (udp.Poll(1000, SelectMode.SelectRead))
            {
                _ = udp.Receive(_buffer, SocketFlags.None, out _);
            }

            TellTime(start, null);
        }

        // What is under way shall arrive.
        _ = cancel.WaitHandle.WaitOne(LateMicros / 1000);
    }

    private void UdpDown(Socket udp)
    {
        long start = BenchSockets.NowMicros, asked = 0, first = 0, giveUp = start + (long)ConnectTime.TotalMicroseconds, end = long.MaxValue;
        byte[]? cookie = null;
        Span<byte> ask = stackalloc byte[BenchDatagram.HeadBytes];
        for (long now = start; now < Math.Min(end, first == 0 ? giveUp : long.MaxValue) && !cancel.IsCancellationRequested; now = BenchSockets.NowMicros)
        {
            if (first == 0 && now - asked >= 100_000)
            {
                asked = now;
                BenchDatagram.Write(ask, new BenchDatagram(cookie is null ? BenchDatagramKind.Ask : BenchDatagramKind.Begin, 0, now), token, cookie);
                _ = udp.Send(ask, SocketFlags.None, out _);
            }

            if (!udp.Poll(10_000, SelectMode.SelectRead))
            {
                if (first > 0)
                {
                    TellTime(first, null);
                }

                continue;
            }

            int bytes = udp.Receive(_buffer, SocketFlags.None, out SocketError error);
            if (error != SocketError.Success || BenchDatagram.TryRead(_buffer.AsSpan(0, bytes), token) is not { } head)
            {
                continue;
            }

            if (head.Kind == BenchDatagramKind.Challenge && cookie is null)
            {
                (cookie, asked) = (BenchDatagram.CookieOf(_buffer).ToArray(), 0);
            }
            else if (head.Kind == BenchDatagramKind.Payload)
            {
                now = BenchSockets.NowMicros;
                (first, end) = first == 0 ? (now, now + (request.Millis * 1000L) + LateMicros) : (first, end);
                _meter.Add(head.Number, head.Micros, now, bytes);
                TellTime(first, null);
            }
        }

        (_bytes, _micros) = (_meter.Bytes, _meter.LastMicros - _meter.FirstMicros);
        Problem = first == 0 && !cancel.IsCancellationRequested ? $"UDP port {to.Port} of {to.Address} does not answer" : null;
    }

    /// <summary>Asks for an echo every 20 ms, until the time or the flow is over; at the end of a flow that goes on longer, waits for it.</summary>
    private void Probe(Socket udp, long end, Func<bool> isDone)
    {
        List<long> sentAt = [];
        Span<byte> probe = stackalloc byte[ProbeBytes];
        probe.Clear();
        long start = BenchSockets.NowMicros, next = start, answered = 0;
        for (long now = start; now < end + (answered == 0 ? FirstMicros : LateMicros) && !isDone() && !cancel.IsCancellationRequested && (now < end || answered < sentAt.Count); now = BenchSockets.NowMicros)
        {
            if (now >= next && (now < end || answered == 0))
            {
                next = now + ProbeMicros;
                BenchDatagram.Write(probe, new BenchDatagram(BenchDatagramKind.Echo, (uint)sentAt.Count, now), token, []);
                sentAt.Add(now);
                _ = udp.Send(probe, SocketFlags.None, out _);
            }

            if (!udp.Poll((int)Math.Clamp(next - now, 1000, ProbeMicros), SelectMode.SelectRead))
            {
                TellTime(start, request.Test == BenchTest.TcpDown ? Volatile.Read(ref _rate) : null);
                continue;
            }

            int bytes = udp.Receive(_buffer, SocketFlags.None, out SocketError error);
            // Each number is taken once, and by our own clock.
            if (error == SocketError.Success && BenchDatagram.TryRead(_buffer.AsSpan(0, bytes), token) is { Kind: BenchDatagramKind.Answer } head
                && head.Number < sentAt.Count && sentAt[(int)head.Number] > 0)
            {
                Keep((BenchSockets.NowMicros - sentAt[(int)head.Number]) / 1000.0);
                sentAt[(int)head.Number] = 0;
                answered++;
            }
        }
    }

    /// <summary>In order: there are 1,500 at most.</summary>
    private void Keep(double millis)
    {
        int at = _probes.Count;
        while (at > 0 && _probes[at - 1] > millis)
        {
            at--;
        }

        _probes.Insert(at, millis);
    }

    private void TellTime(long start, double? rate) => told(Math.Clamp((BenchSockets.NowMicros - start) / (request.Millis * 1000.0), 0, 1), rate);

    private static double? Round(double? share) => share is { } value ? Math.Round(value, 3) : null;

    private static double? Share(int? permille) => permille is { } value and not BenchMessage.Unknown ? value / 1000.0 : null;
}
