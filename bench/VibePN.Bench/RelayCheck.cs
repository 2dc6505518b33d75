using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace VibePN.Bench;

/// <summary>Sends datagrams through a relay that loses a fifth of them.</summary>
internal static class RelayCheck
{
    private const int Count = 500;
    private const int ReceiveMillis = 300;

    /// <param name="check">What is looked at, and whether it holds.</param>
    public static void Run(Socket left, Socket right, int port, double delayMillis, Action<string, bool> check)
    {
        left.Bind(new IPEndPoint(IPAddress.Parse("198.51.100.1"), port));
        right.Bind(new IPEndPoint(IPAddress.Parse("203.0.113.1"), port));
        right.ReceiveTimeout = ReceiveMillis;
        IPEndPoint relay = new(IPAddress.Parse("198.51.100.254"), port);
        var start = Stopwatch.GetTimestamp();
        var payload = new byte[200];
        for (var i = 0; i < Count; i++)
        {
            left.SendTo(payload, relay);
        }

        var received = 0;
        var first = TimeSpan.Zero;
        try
        {
            while (right.Receive(payload) > 0)
            {
                first = received++ == 0 ? Stopwatch.GetElapsedTime(start) : first;
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            // That was all.
        }

        check($"the relay's delay ({first.TotalMilliseconds:F1} ms)", first.TotalMilliseconds >= delayMillis);
        check($"the relay's loss ({Count - received} of {Count})", received is > Count / 2 and < Count * 9 / 10);
    }
}
