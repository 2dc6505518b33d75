using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using VibePN.Quic;

namespace VibePN.E2E.Harness;

/// <summary>
/// First packets of QUIC connections at a node, as fast as asked or as one core gives, from addresses that nobody has (RFC 2544).
/// Half are whole Initials of real dialers, the others have made-up connection ids.
/// </summary>
internal sealed class Flood : IDisposable
{
    private const int IpHeaderBytes = 20;
    private const int HeaderBytes = IpHeaderBytes + 8;
    private const int Recorded = 2048;
    private const int PacketsPerStep = 50;

    private readonly Socket _socket;
    private readonly List<byte[]> _packets;
    private readonly Random _random = new(1);
    private readonly Thread _thread;
    private readonly TimeSpan _duration;
    private readonly int _perSecond;

    public Flood(TestHost from, TestNode target, int perSecond, TimeSpan duration)
    {
        _perSecond = perSecond;
        _duration = duration;
        target.Host.Ip("route", "replace", "198.18.0.0/15", "via", from.Address);
        _packets = Record(IPAddress.Parse(target.Host.Address));
        _socket = Libc.SocketIn(from.Namespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Raw));
        _socket.Connect(new IPEndPoint(IPAddress.Parse(target.Host.Address), 0));
        _thread = new Thread(Run);
        _thread.Start();
    }

    public long Sent { get; private set; }

    public double SentPerSecond { get; private set; }

    public bool IsRunning => _thread.IsAlive;

    public void WaitForEnd() => _thread.Join();

    public void Dispose()
    {
        _thread.Join();
        _socket.Dispose();
    }

    private static List<byte[]> Record(IPAddress target)
    {
        TestIdentity identity = TestIdentity.Create("stranger");
        using QuicCredentials credentials =
            QuicCredentials.FromPem(Encoding.ASCII.GetBytes(identity.CertificatePem), Encoding.ASCII.GetBytes(identity.KeyPem));
        using QuicEndpoint endpoint = new(
            new QuicEndpointOptions { Credentials = credentials, ResetSecret = new byte[32], TokenSecret = new byte[32] }, new Nobody());
        SocketAddress address = new IPEndPoint(target, TestNode.Port).Serialize();
        QuicAddress raw = new(address.Buffer.Span[..address.Size]);
        byte[] buffer = new byte[9000];
        List<byte[]> packets = [];
        for (int i = 0; i < Recorded; i++)
        {
            QuicConnection connection = endpoint.Connect(new QuicPath(raw, raw), ["vibepn/1"], new Instant(1, DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
            int bytes = connection.WritePending(buffer, new Instant(1, 0)).Bytes;
            byte[] packet = new byte[HeaderBytes + bytes];
            buffer.AsSpan(0, bytes).CopyTo(packet.AsSpan(HeaderBytes));
            WriteHeaders(packet, target);
            packets.Add(packet);
        }

        return packets;
    }

    /// <summary>IPv4 (the kernel fills in the checksum) and UDP without checksum.</summary>
    private static void WriteHeaders(Span<byte> packet, IPAddress target)
    {
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = 17;
        target.GetAddressBytes().CopyTo(packet[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(packet[(IpHeaderBytes + 2)..], TestNode.Port);
        BinaryPrimitives.WriteUInt16BigEndian(packet[(IpHeaderBytes + 4)..], (ushort)(packet.Length - IpHeaderBytes));
    }

    private void Run()
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan elapsed;
        while ((elapsed = Stopwatch.GetElapsedTime(start)) < _duration)
        {
            if (Sent > elapsed.TotalSeconds * _perSecond)
            {
                Thread.Sleep(TimeSpan.FromMilliseconds(0.2));
                continue;
            }

            for (int i = 0; i < PacketsPerStep; i++)
            {
                SendOne(_packets[(int)(Sent % Recorded)]);
            }
        }

        SentPerSecond = Sent / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private void SendOne(byte[] packet)
    {
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(12), 0xc6120000 | ((uint)_random.Next() & 0x1ffff));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(IpHeaderBytes), (ushort)_random.Next(1024, 65536));
        if ((Sent & 1) != 0)
        {
            // Behind the first byte, the version and the length.
            _random.NextBytes(packet.AsSpan(HeaderBytes + 6, 8));
        }

        try
        {
            _socket.Send(packet);
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.NoBufferSpaceAvailable)
        {
            // The wire is full, and that is the aim.
        }

        Sent++;
    }

    private sealed class Nobody : QuicHandler
    {
        public override TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now) => TlsAlert.AccessDenied;

        public override void OnHandshakeCompleted(QuicConnection connection)
        {
        }

        public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now)
        {
        }

        public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
        {
        }

        public override void OnClosed(QuicConnection connection, QuicClose close)
        {
        }
    }
}
