using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace VibePN.E2E.Harness;

/// <summary>Numbered datagrams at an even rate from one host to another, until asked how it went.</summary>
internal sealed class UdpFlow : IDisposable
{
    private const int Port = 7100;
    private const int PayloadBytes = 1200;
    private const int SOL_SOCKET = 1;
    private const int SO_RCVBUFFORCE = 33;

    private readonly Socket _receiver;
    private readonly Socket _sender;
    private readonly Thread _sending;
    private readonly Thread _receiving;
    private readonly double _perSecond;
    private readonly HashSet<int> _arrived = [];
    private volatile bool _stopSending;
    private volatile bool _stopReceiving;
    private volatile int _sent;

    public UdpFlow(TestHost from, TestHost to, string address, double mbits, int port = Port)
    {
        _perSecond = mbits * 1e6 / 8 / PayloadBytes;
        _receiver = to.UdpSocket();
        // A busy machine may keep the receiving thread waiting; that is not the tunnel's loss.
        _receiver.SetRawSocketOption(SOL_SOCKET, SO_RCVBUFFORCE, BitConverter.GetBytes(64 << 20));
        _receiver.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        _receiver.ReceiveTimeout = 100;
        _sender = from.UdpSocket();
        _sender.Connect(IPAddress.Parse(address), port);
        _sending = new Thread(Send) { IsBackground = true };
        _receiving = new Thread(Receive) { IsBackground = true };
        _receiving.Start();
        _sending.Start();
    }

    public int Sent => _sent;

    /// <summary>Stops sending and waits for what is under way.</summary>
    public (int Sent, int Lost) End()
    {
        _stopSending = true;
        _sending.Join();
        int sent = _sent;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(3) && Arrived() < sent)
        {
            Thread.Sleep(20);
        }

        _stopReceiving = true;
        _receiving.Join();
        return (sent, sent - Arrived());
    }

    public void Dispose()
    {
        _stopSending = true;
        _stopReceiving = true;
        _sending.Join();
        _receiving.Join();
        _sender.Dispose();
        _receiver.Dispose();
    }

    private int Arrived()
    {
        lock (_arrived)
        {
            return _arrived.Count;
        }
    }

    private void Send()
    {
        byte[] datagram = new byte[PayloadBytes];
        long start = Stopwatch.GetTimestamp();
        while (!_stopSending)
        {
            // What a pause has left undone is not made up for at once: the rate is even.
            for (int due = Math.Min((int)(Stopwatch.GetElapsedTime(start).TotalSeconds * _perSecond) - _sent, 32); due > 0; due--)
            {
                BinaryPrimitives.WriteInt32BigEndian(datagram, _sent);
                try
                {
                    _sender.Send(datagram);
                }
                catch (SocketException)
                {
                    // ICMP of an earlier one; this one counts as sent and does not arrive.
                }

                _sent++;
            }

            Thread.Sleep(1);
        }
    }

    private void Receive()
    {
        byte[] datagram = new byte[2048];
        while (!_stopReceiving)
        {
            try
            {
                if (_receiver.Receive(datagram) == PayloadBytes)
                {
                    lock (_arrived)
                    {
                        _ = _arrived.Add(BinaryPrimitives.ReadInt32BigEndian(datagram));
                    }
                }
            }
            catch (SocketException)
            {
                // Nothing came for a while.
            }
        }
    }
}
