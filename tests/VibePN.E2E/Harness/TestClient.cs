using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using VibePN.Quic;

namespace VibePN.E2E.Harness;

/// <summary>A dialer without a daemon, on a host: connects to a node and goes, many times if need be. Not for several threads.</summary>
internal sealed class TestClient : QuicHandler, IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly QuicCredentials _credentials;
    private readonly QuicEndpoint _endpoint;
    private readonly QuicPath _path;
    private readonly SocketAddress _remote;
    private readonly byte[] _packet = new byte[9000];
    private bool _completed;
    private QuicClose? _close;

    public TestClient(TestHost host, Identity identity, TestNode target)
    {
        _socket = host.UdpSocket();
        _socket.Bind(new IPEndPoint(IPAddress.Parse(host.Address), 0));
        _remote = new IPEndPoint(IPAddress.Parse(target.Host.Address), TestNode.Port).Serialize();
        _path = new QuicPath(Raw(((IPEndPoint)_socket.LocalEndPoint!).Serialize()), Raw(_remote));
        _credentials = QuicCredentials.FromPem(Encoding.ASCII.GetBytes(identity.CertificatePem), Encoding.ASCII.GetBytes(identity.KeyPem));
        _endpoint = new QuicEndpoint(
            new QuicEndpointOptions
            {
                Credentials = _credentials,
                ResetSecret = new byte[32],
                TokenSecret = new byte[32],
            },
            this);
    }

    /// <summary>Dials once and lets the handshake run to its end on both sides.</summary>
    /// <returns>Null: accepted, and closed again by this side. Else how the acceptor ended it.</returns>
    public QuicClose? ConnectAndClose()
    {
        _completed = false;
        _close = null;
        QuicConnection connection = _endpoint.Connect(_path, ["vibepn/1"], Now());
        RunUntil(() => _close is not null || connection.IsHandshakeConfirmed, "the end of the handshake");
        if (_close is { } refusal)
        {
            Settle();
            return refusal;
        }

        connection.Close(0, "test");
        RunUntil(() => _close is not null, "the end of the connection");
        Settle();
        return _completed ? null : throw new InvalidOperationException("confirmed without being completed");
    }

    public override TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now) => TlsAlert.Accept;

    public override void OnHandshakeCompleted(QuicConnection connection) => _completed = true;

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now)
    {
    }

    public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
    }

    public override void OnClosed(QuicConnection connection, QuicClose close) => _close = close;

    public void Dispose()
    {
        _endpoint.Dispose();
        _credentials.Dispose();
        _socket.Dispose();
    }

    private static QuicAddress Raw(SocketAddress address) => new(address.Buffer.Span[..address.Size]);

    private static Instant Now() => new(
        (ulong)Stopwatch.GetElapsedTime(0).Ticks * 100,
        DateTimeOffset.UtcNow.ToUnixTimeSeconds());

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

    private void Turn(TimeSpan longest)
    {
        ulong now = Now().Nanos;
        ulong wait = _endpoint.NextDeadline <= now ? 0 : Math.Min(_endpoint.NextDeadline - now, (ulong)longest.Ticks * 100);
        if (_socket.Poll(TimeSpan.FromTicks((long)(wait / 100)), SelectMode.SelectRead))
        {
            SocketAddress sender = new(AddressFamily.InterNetwork);
            while (_socket.Available > 0)
            {
                int bytes = _socket.ReceiveFrom(_packet, SocketFlags.None, sender);
                _endpoint.Receive(_path, 0, _packet.AsSpan(0, bytes), Now());
            }
        }

        if (_endpoint.NextDeadline <= Now().Nanos)
        {
            _endpoint.HandleDeadlines(Now());
        }

        Flush();
    }

    private void Flush()
    {
        Instant now = Now();
        while (_endpoint.TakeDirty() is { } connection)
        {
            while (connection.WritePending(_packet, now) is { Bytes: > 0 } written)
            {
                _socket.SendTo(_packet.AsSpan(0, written.Bytes), SocketFlags.None, _remote);
            }

            connection.EndBurst(now);
        }
    }
}
