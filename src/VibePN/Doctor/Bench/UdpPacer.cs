using System.Net.Sockets;
using System.Security.Cryptography;

namespace VibePN.Doctor.Bench;

/// <summary>Numbered datagrams at an even rate. What a pause has left undone is not made up for at once.</summary>
internal sealed class UdpPacer
{
    private const int MaxBurst = 64;

    private readonly byte[] _datagram;
    private readonly byte[] _token;
    private readonly double _perMicro;
    private readonly long _end;
    private long _last;
    private double _due;

    /// <param name="bytes">Of a datagram.</param>
    public UdpPacer(byte[] token, int millis, int rateKilobits, int bytes)
    {
        (_token, _datagram) = (token, new byte[bytes]);
        RandomNumberGenerator.Fill(_datagram);
        _perMicro = rateKilobits / 8e3 / bytes;
        _last = BenchSockets.NowMicros;
        _end = _last + (millis * 1000L);
    }

    public long Sent { get; private set; }

    public bool IsOver => _last >= _end;

    /// <summary>What is due by now; to be called every millisecond.</summary>
    /// <param name="to">Null: where the socket is connected to.</param>
    public void Send(Socket socket, System.Net.SocketAddress? to)
    {
        long now = BenchSockets.NowMicros;
        _due = Math.Min(_due + ((now - _last) * _perMicro), MaxBurst);
        _last = now;
        for (; _due >= 1 && !IsOver; _due--)
        {
            BenchDatagram.Write(_datagram, new BenchDatagram(BenchDatagramKind.Payload, (uint)Sent, BenchSockets.NowMicros), _token, []);
            Sent++;
            if (to is null)
            {
                // Full, or refused by an ICMP of an earlier one: it counts as sent and does not arrive.
                _ = socket.Send(_datagram, SocketFlags.None, out _);
                continue;
            }

            try
            {
                _ = socket.SendTo(_datagram, SocketFlags.None, to);
            }
            catch (SocketException)
            {
                // Likewise.
            }
        }
    }
}
