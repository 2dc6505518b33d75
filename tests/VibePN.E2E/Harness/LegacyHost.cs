using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using VibePN.Linux;
using VibePN.Quic;
using VibePN.Tests.Sim;

namespace VibePN.E2E.Harness;

/// <summary>
/// A daemon of vibepn/0.1 on a host, on a thread of its own. Behind it is one address, which answers pings. What is asked of it
/// from outside goes through <see cref="Do"/>.
/// </summary>
internal sealed class LegacyHost : LegacyDaemon
{
    private const byte Icmp = 1;
    private const byte EchoReply = 0;
    private const byte EchoRequest = 8;
    private const int IpHeaderBytes = 20;

    private readonly Socket _socket;
    private readonly SocketAddress _sender = new(AddressFamily.InterNetwork);
    private readonly QuicAddress _local;
    private readonly byte[] _received = new byte[9000];
    private readonly Lock _lock = new();
    private readonly Thread _thread;
    private readonly IPAddress _inner;
    private int _answered;
    private volatile bool _isOver;
    private volatile bool _isDead;

    public LegacyHost(TestHost host, TestIdentity identity, string inner)
        : base(Encoding.ASCII.GetBytes(identity.CertificatePem), Encoding.ASCII.GetBytes(identity.KeyPem))
    {
        _inner = IPAddress.Parse(inner);
        _socket = host.UdpSocket();
        _socket.Bind(new IPEndPoint(IPAddress.Parse(host.Address), TestNode.Port));
        _local = Raw(((IPEndPoint)_socket.LocalEndPoint!).Serialize());
        Exports.Add((TestNode.Network, "10.42.0.0/24", 0));
        _thread = new Thread(Run);
        _thread.Start();
    }

    /// <summary>Echo replies that came for the address.</summary>
    public int Replies { get; private set; }

    /// <summary>Why the thread ended, or null.</summary>
    public Exception? Failure { get; private set; }

    protected override Instant Now => new((ulong)Stopwatch.GetElapsedTime(0).Ticks * 100, DateTimeOffset.UtcNow.ToUnixTimeSeconds());

    /// <summary>Runs something while the thread stands still.</summary>
    public T Do<T>(Func<LegacyHost, T> action)
    {
        lock (_lock)
        {
            return action(this);
        }
    }

    public void Do(Action<LegacyHost> action) => Do(host =>
    {
        action(host);
        return 0;
    });

    /// <summary>Nothing is heard or said any more.</summary>
    public void Kill() => _isDead = true;

    /// <summary>Another process takes its place.</summary>
    public void Boot() => Do(host =>
    {
        host.Restart();
        _isDead = false;
    });

    /// <summary>Sends an echo request to a host's address.</summary>
    public void Ping(string address) => SendPacket(TestNode.Network, Echo(_inner, IPAddress.Parse(address)));

    public override void Dispose()
    {
        _isOver = true;
        _thread.Join();
        base.Dispose();
        _socket.Dispose();
    }

    protected override void Carry(in QuicPacket packet, ReadOnlySpan<byte> bytes)
    {
        if (_isDead)
        {
            return;
        }

        SocketAddress to = new(AddressFamily.InterNetwork);
        packet.Path.Remote.Bytes.CopyTo(to.Buffer.Span);
        _socket.SendTo(bytes, SocketFlags.None, to);
    }

    private static QuicAddress Raw(SocketAddress address) => new(address.Buffer.Span[..address.Size]);

    private static byte[] Echo(IPAddress from, IPAddress to)
    {
        byte[] packet = TestPacket.Udp(from.ToString(), to.ToString(), 8);
        packet[9] = Icmp;
        packet[10] = packet[11] = 0;
        packet.AsSpan(IpHeaderBytes).Clear();
        packet[IpHeaderBytes] = EchoRequest;
        Sum(packet.AsSpan(0, IpHeaderBytes), 10);
        Sum(packet.AsSpan(IpHeaderBytes), 2);
        return packet;
    }

    private static void Sum(Span<byte> bytes, int field) =>
        System.Runtime.InteropServices.MemoryMarshal.Write(bytes[field..], Checksum.Compute(bytes));

    private void Run()
    {
        try
        {
            while (!_isOver)
            {
                _ = _socket.Poll(TimeSpan.FromMilliseconds(2), SelectMode.SelectRead);
                lock (_lock)
                {
                    Turn();
                }
            }
        }
        catch (Exception failure)
        {
            Failure = failure;
        }
    }

    private void Turn()
    {
        while (_socket.Available > 0)
        {
            int bytes = _socket.ReceiveFrom(_received, SocketFlags.None, _sender);
            if (!_isDead)
            {
                Endpoint.Receive(new QuicPath(_local, Raw(_sender)), 0, _received.AsSpan(0, bytes), Now);
            }
        }

        if (!_isDead && NextDeadline <= Now.Nanos)
        {
            HandleDeadlines();
        }

        Answer();
        Flush();
    }

    /// <summary>What a host behind it would do with a ping.</summary>
    private void Answer()
    {
        // Those of former connections are gone with them.
        _answered = Math.Min(_answered, Packets.Count);
        for (; _answered < Packets.Count; _answered++)
        {
            byte[] packet = Packets[_answered].Packet;
            if (packet.Length < IpHeaderBytes + 8 || packet[9] != Icmp || !packet.AsSpan(16, 4).SequenceEqual(_inner.GetAddressBytes()))
            {
                continue;
            }

            if (packet[IpHeaderBytes] == EchoReply)
            {
                Replies++;
            }
            else if (packet[IpHeaderBytes] == EchoRequest)
            {
                byte[] answer = [.. packet];
                packet.AsSpan(12, 4).CopyTo(answer.AsSpan(16));
                packet.AsSpan(16, 4).CopyTo(answer.AsSpan(12));
                answer[IpHeaderBytes] = EchoReply;
                answer[IpHeaderBytes + 2] = answer[IpHeaderBytes + 3] = 0;
                Sum(answer.AsSpan(IpHeaderBytes), 2);
                SendPacket(TestNode.Network, answer);
            }
        }
    }
}
