using System.Net;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN.Tests.Sim;

/// <summary>A daemon of before, as a machine of a simulated network; it can also dial, with its own protocol or another.</summary>
internal sealed class SimLegacy : LegacyDaemon, ISimMachine
{
    private readonly SimNetwork _network;

    public SimLegacy(SimNetwork network, string name, int number)
        : base(network.Identity(name).Node.CertificatePem.Span, network.Identity(name).Node.KeyPem.Span)
    {
        _network = network;
        Name = name;
        EndPoint = SimNetwork.Outer(number);
        network.Add(this);
    }

    public string Name { get; }

    public IPEndPoint EndPoint { get; }

    public bool IsRunning { get; private set; } = true;

    public bool IsAt(IPEndPoint at) => IsRunning && EndPoint.Equals(at);

    protected override Instant Now => _network.Now;

    /// <summary>The process is gone, without a word.</summary>
    public void Kill() => IsRunning = false;

    public void Boot()
    {
        Restart();
        IsRunning = true;
    }

    public QuicConnection Dial(SimHost to)
    {
        var connection = Endpoint.Connect(
            new QuicPath(new QuicAddress(SockAddr.FromIPEndPoint(EndPoint).Bytes), new QuicAddress(SockAddr.FromIPEndPoint(to.EndPoint).Bytes)),
            [Alpn],
            Now);
        Flush();
        return connection;
    }

    public void Receive(in QuicPath path, byte ecn, byte[] datagram)
    {
        Endpoint.Receive(path, ecn, datagram, _network.Now);
        Flush();
    }

    public void OnDeadline()
    {
        HandleDeadlines();
        Flush();
    }

    public void Check()
    {
    }

    protected override void Carry(in QuicPacket packet, ReadOnlySpan<byte> bytes)
    {
        if (IsRunning && SockAddr.TryFromBytes(packet.Path.Remote.Bytes, out var remote))
        {
            _network.Carry(this, remote.ToIPEndPoint(), packet.Ecn, bytes);
        }
    }
}
