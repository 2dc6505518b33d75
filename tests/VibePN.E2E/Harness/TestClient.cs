using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using VibePN.Control;
using VibePN.Quic;
using VibePN.Tests.Sim;

namespace VibePN.E2E.Harness;

/// <summary>
/// A peer without a daemon, on a host: connects to a node and goes, many times if need be, or joins its network and sends whatever a
/// test makes up. Not for several threads.
/// </summary>
internal sealed class TestClient : RawDialer
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly QuicPath _path;
    private readonly SocketAddress _remote;
    private readonly SocketAddress _sender = new(AddressFamily.InterNetwork);
    private readonly byte[] _received = new byte[9000];
    private bool _completed;

    public TestClient(TestHost host, TestIdentity identity, TestNode target)
        : base(Encoding.ASCII.GetBytes(identity.CertificatePem), Encoding.ASCII.GetBytes(identity.KeyPem))
    {
        _socket = host.UdpSocket();
        _socket.Bind(new IPEndPoint(IPAddress.Parse(host.Address), 0));
        _remote = new IPEndPoint(IPAddress.Parse(target.Host.Address), TestNode.Port).Serialize();
        _path = new QuicPath(Raw(((IPEndPoint)_socket.LocalEndPoint!).Serialize()), Raw(_remote));
    }

    /// <summary>Datagrams that the node sent.</summary>
    public long DatagramCount { get; private set; }

    protected override Instant Now => new(
        (ulong)Stopwatch.GetElapsedTime(0).Ticks * 100,
        DateTimeOffset.UtcNow.ToUnixTimeSeconds());

    /// <summary>Dials once and lets the handshake run to its end on both sides.</summary>
    /// <returns>Null: accepted, and closed again by this side. Else how the acceptor ended it.</returns>
    public QuicClose? ConnectAndClose()
    {
        _completed = false;
        Dial(_path);
        QuicConnection connection = Connection!;
        RunUntil(() => Closed is not null || connection.IsHandshakeConfirmed, "the end of the handshake");
        if (Closed is { } refusal)
        {
            Settle();
            return refusal;
        }

        connection.Close(0, "test");
        RunUntil(() => Closed is not null, "the end of the connection");
        Settle();
        return _completed ? null : throw new InvalidOperationException("confirmed without being completed");
    }

    /// <summary>Dials and becomes a peer of the network, with these addresses in it.</summary>
    public void Join(params string[] addresses)
    {
        Dial(_path);
        SayHello("client");
        SayNetworks((TestNode.Network, ["10.42.0.0/24", "fd42::/64"], 9, addresses));
        RunUntil(() => Messages.OfType<NetworkList>().Any(), "the node's networks");
    }

    /// <summary>Sends one datagram, several to a packet, as soon as the congestion window has room; <see cref="RawDialer.Finish"/> sends the last of them.</summary>
    public void Write(ReadOnlySpan<byte> datagram)
    {
        long start = Stopwatch.GetTimestamp();
        while (!TryWrite(datagram))
        {
            if (Closed is not null || Stopwatch.GetElapsedTime(start) > s_limit)
            {
                throw new InvalidOperationException($"cannot send: {Closed}");
            }

            Finish();
            Turn(TimeSpan.FromMilliseconds(10));
        }
    }

    /// <summary>Sends what is written, and answers what comes, for so long.</summary>
    public void RunFor(TimeSpan time)
    {
        Finish();
        long start = Stopwatch.GetTimestamp();
        do
        {
            Turn(TimeSpan.FromMilliseconds(5));
        }
        while (Stopwatch.GetElapsedTime(start) < time);
    }

    public override void OnHandshakeCompleted(QuicConnection connection) => _completed = true;

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now) => DatagramCount++;

    public override void Dispose()
    {
        base.Dispose();
        _socket.Dispose();
    }

    /// <summary>Waits for packets, at most so long, and does what is due.</summary>
    public void Turn(TimeSpan longest)
    {
        ulong now = Now.Nanos;
        ulong wait = Endpoint.NextDeadline <= now ? 0 : Math.Min(Endpoint.NextDeadline - now, (ulong)longest.Ticks * 100);
        if (_socket.Poll(TimeSpan.FromTicks((long)(wait / 100)), SelectMode.SelectRead))
        {
            while (_socket.Available > 0)
            {
                int bytes = _socket.ReceiveFrom(_received, SocketFlags.None, _sender);
                Endpoint.Receive(_path, 0, _received.AsSpan(0, bytes), Now);
            }
        }

        if (Endpoint.NextDeadline <= Now.Nanos)
        {
            Endpoint.HandleDeadlines(Now);
        }

        Flush();
    }

    protected override void Carry(in QuicPacket packet, ReadOnlySpan<byte> bytes) => _socket.SendTo(bytes, SocketFlags.None, _remote);

    private static QuicAddress Raw(SocketAddress address) => new(address.Buffer.Span[..address.Size]);

    private void RunUntil(Func<bool> done, string what)
    {
        long start = Stopwatch.GetTimestamp();
        Flush();
        while (!done())
        {
            if (Stopwatch.GetElapsedTime(start) > s_limit)
            {
                throw new TimeoutException($"not within {s_limit.TotalSeconds} s: {what}");
            }

            Turn(TimeSpan.FromMilliseconds(100));
        }
    }

    /// <summary>Sends what is left, and forgets connections whose time has come.</summary>
    private void Settle()
    {
        Flush();
        Turn(TimeSpan.Zero);
    }
}
