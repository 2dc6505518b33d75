using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace VibePN.Doctor.Bench;

/// <summary>One test of a session on the server: what was asked, the token that whoever takes part has to show, and what came of it.</summary>
internal sealed class BenchPhase(BenchMessage request)
{
    private int _claimed;
    private volatile bool _isOver;
    private volatile bool _isDone;
    private SocketAddress? _asked;
    private byte[] _cookie = [];

    public BenchMessage Request { get; } = request;

    public byte[] Token { get; } = RandomNumberGenerator.GetBytes(BenchMessage.TokenBytes);

    /// <summary>Of TCP up; valid once it is done.</summary>
    public (long Bytes, long Micros) Drained { get; private set; }

    public UdpMeter Meter { get; } = new();

    /// <summary>UDP down, once the address is proven.</summary>
    public UdpPacer? Pacer { get; private set; }

    public SocketAddress? PacerTo { get; private set; }

    public bool IsDone => _isDone;

    /// <summary>Of TCP, for as long as it takes to notice that it is over.</summary>
    public void WaitForFlow()
    {
        if (Volatile.Read(ref _claimed) != 0)
        {
            SpinWait.SpinUntil(() => _isDone, 3 * BenchSockets.PollMicros / 1000);
        }
    }

    /// <summary>Whoever moves bytes for it stops.</summary>
    public void Stop() => _isOver = true;

    /// <summary>A data connection has come: its flow, on this thread, until it ends. One only, with the right token, and where it is expected.</summary>
    public void Join(Socket socket, BenchMessage hello, bool isOutside)
    {
        if (isOutside != Request.IsOutside || Request.Test is not (BenchTest.TcpUp or BenchTest.TcpDown)
            || !CryptographicOperations.FixedTimeEquals(hello.Token, Token) || Interlocked.Exchange(ref _claimed, 1) != 0)
        {
            return;
        }

        if (Request.Test == BenchTest.TcpUp)
        {
            Drained = BenchSockets.Drain(socket, Request.Millis, () => _isOver, static (_, _) => { });
        }
        else
        {
            BenchSockets.Pour(socket, Request.Millis, () => _isOver);
        }

        _isDone = true;
    }

    /// <summary>A datagram has come. Nothing that is answered gets more bytes than it had, and data go only where a challenge was answered from.</summary>
    /// <param name="socket">To answer by.</param>
    /// <param name="datagram">May be overwritten.</param>
    /// <param name="from">Borrowed until the call returns.</param>
    public void Take(Socket socket, Span<byte> datagram, SocketAddress from)
    {
        if (BenchDatagram.TryRead(datagram, Token) is not { } head)
        {
            return;
        }

        switch (head.Kind)
        {
            case BenchDatagramKind.Echo:
                BenchDatagram.Write(datagram, new BenchDatagram(BenchDatagramKind.Answer, head.Number, head.Micros), Token, []);
                Answer(socket, datagram, from);
                break;
            case BenchDatagramKind.Payload when Request.Test == BenchTest.UdpUp:
                Meter.Add(head.Number, head.Micros, BenchSockets.NowMicros, datagram.Length);
                break;
            case BenchDatagramKind.Ask when Request.Test == BenchTest.UdpDown && Pacer is null:
                if (_asked is null || !_asked.Equals(from))
                {
                    // One for each address: who is told it at one address has proven nothing about another.
                    _cookie = RandomNumberGenerator.GetBytes(BenchDatagram.CookieBytes);
                    _asked = Copy(from);
                }

                BenchDatagram.Write(datagram, new BenchDatagram(BenchDatagramKind.Challenge, head.Number, head.Micros), Token, _cookie);
                Answer(socket, datagram[..BenchDatagram.HeadBytes], from);
                break;
            case BenchDatagramKind.Begin when _asked is not null && Pacer is null && _asked.Equals(from)
                && CryptographicOperations.FixedTimeEquals(BenchDatagram.CookieOf(datagram), _cookie):
                PacerTo = _asked;
                Pacer = new UdpPacer(Token, Request.Millis, Request.RateKilobits, Request.DatagramBytes);
                break;
        }
    }

    private static void Answer(Socket socket, ReadOnlySpan<byte> datagram, SocketAddress to)
    {
        try
        {
            _ = socket.SendTo(datagram, SocketFlags.None, to);
        }
        catch (SocketException)
        {
            // The buffer is full, or there is no way back: as if it had been lost.
        }
    }

    private static SocketAddress Copy(SocketAddress from)
    {
        SocketAddress copy = new(from.Family, from.Size);
        from.Buffer.Span[..from.Size].CopyTo(copy.Buffer.Span);
        return copy;
    }
}
