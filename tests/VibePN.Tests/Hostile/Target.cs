using System.Net;
using VibePN.Config;
using VibePN.Linux;
using VibePN.Quic;
using VibePN.Tests.Sim;

namespace VibePN.Tests.Hostile;

/// <summary>
/// A real node in virtual time, at 192.0.2.1 with 10.42.0.1 and fd42::1, and raw clients that it trusts. What it gives to the host goes
/// through a real <see cref="Coalescer"/>, so that <see cref="Delivered"/> is what the kernel would get.
/// </summary>
internal sealed class Target : NodeOutput, IDisposable
{
    public const int MtuBytes = NodeNetwork.DefaultMtuBytes;

    private static readonly IPEndPoint Own = IPEndPoint.Parse("192.0.2.1:51820");

    private readonly TestIdentity _identity = TestIdentity.Get("target");
    private readonly QuicCredentials _credentials;
    private readonly Coalescer _coalescer = new(1, tcp: true, udp: true);
    private readonly List<HostilePeer> _peers = [];
    private ulong _nanos = 1_000_000_000;

    /// <param name="peers">Names of the trusted; the first is number 2.</param>
    public Target(params string[] peers)
    {
        _credentials = QuicCredentials.FromPem(_identity.Node.CertificatePem.Span, _identity.Node.KeyPem.Span);
        Node = new Node(
            new NodeOptions
            {
                Config = Config(peers),
                Identity = _identity.Node,
                Credentials = _credentials,
                InterfaceIndexes = [1],
                BootId = new Guid(1, 0, 0, new byte[8]),
                Random = new Random(1),
                ResetSecret = new byte[32],
                TokenSecret = new byte[32],
            },
            this,
            Logger,
            Now);
        for (var i = 0; i < peers.Length; i++)
        {
            _peers.Add(new HostilePeer(this, TestIdentity.Get(peers[i]), i + 2, new QuicPath(Raw(EndPointOf(i + 2)), Raw(Own))));
        }

        Run(() => _peers.TrueForAll(peer => peer.IsReady), "all peers are connected");
        Advance(TimeSpan.FromSeconds(1));
    }

    public Node Node { get; }

    public RecordingLogger Logger { get; } = new();

    public Instant Now => new(_nanos, SimNetwork.EpochUtc.ToUnixTimeSeconds() + (long)(_nanos / 1_000_000_000));

    /// <summary>Called with every packet given to the host: the span is borrowed, the flag is that of the frame that the kernel gets.</summary>
    public Action<ReadOnlySpan<byte>, VirtioNetHeader>? Delivered { get; set; }

    public int DeliveredCount { get; private set; }

    public HostilePeer this[int index] => _peers[index];

    public IReadOnlyDictionary<DropReason, ulong> Drops => Node.Snapshot(Now).Drops;

    /// <summary>The host of the node sends a packet.</summary>
    public void Send(byte[] packet)
    {
        Node.OnTun(0, default, packet, Now);
        Exchange();
    }

    /// <summary>Lets everything that can be said now be said, in no time.</summary>
    public void Exchange()
    {
        var any = true;
        while (any)
        {
            any = false;
            Node.Flush(Now);
            foreach (var peer in _peers)
            {
                any |= peer.Exchange();
            }
        }
    }

    /// <summary>Lets virtual time pass, with all timers.</summary>
    public void Advance(TimeSpan time)
    {
        var end = _nanos + (ulong)time.TotalNanoseconds;
        Exchange();
        while (NextDeadline() is var next && next <= end)
        {
            _nanos = Math.Max(_nanos, next);
            Step();
        }

        _nanos = end;
    }

    /// <summary>Goes to the next timer.</summary>
    public void Step()
    {
        _nanos = Math.Max(_nanos + 1000, NextDeadline());
        if (Node.NextDeadline <= _nanos)
        {
            Node.OnDeadline(Now);
        }

        _peers.ForEach(peer => peer.HandleDeadlines());
        Exchange();
    }

    public override bool Transmit(UdpSendBatch batch)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            var datagram = batch[i];
            var number = datagram.Remote.ToIPEndPoint().Address.GetAddressBytes()[^1];
            _peers.Find(peer => peer.Number == number)?.Inbox.Enqueue(datagram.Bytes.ToArray());
        }

        batch.Clear();
        return true;
    }

    public override DropReason? Deliver(int network, ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        switch (_coalescer.Add(packet, checksumPartial))
        {
            case CoalesceResult.Ok:
                var frame = _coalescer[0];
                Delivered?.Invoke(frame.Packet, frame.Header);
                DeliveredCount++;
                _coalescer.Clear();
                return null;
            case CoalesceResult.Invalid:
                return DropReason.InChecksumFlag;
            default:
                throw new InvalidOperationException("an empty coalescer is full");
        }
    }

    public override void Resolve(string peer, IReadOnlyList<HostPort> names) => throw new NotSupportedException("there are no names here");

    public override SockAddr? LocalAddressTowards(IPEndPoint remote) => SockAddr.FromIPEndPoint(Own);

    public override SockAddr? RemoteAddress(IPEndPoint remote) => SockAddr.FromIPEndPoint(remote);

    public void Dispose()
    {
        Node.Dispose();
        _peers.ForEach(peer => peer.Dispose());
        _coalescer.Dispose();
        _credentials.Dispose();
    }

    private static IPEndPoint EndPointOf(int number) => new(new IPAddress([192, 0, 2, (byte)number]), 51820);

    private static QuicAddress Raw(IPEndPoint endPoint) => new(SockAddr.FromIPEndPoint(endPoint).Bytes);

    private static NodeConfig Config(string[] peers) => new()
    {
        Path = "/sim/target",
        Identity = new IdentityConfig { CertPath = "/sim/crt", KeyPath = "/sim/key" },
        Node = new NodeSettings { Name = "target" },
        Networks =
        [
            new NetworkConfig
            {
                Name = "corp",
                Prefixes = [IPNetwork.Parse("10.42.0.0/24"), IPNetwork.Parse("fd42::/64")],
                Addresses = [IPAddress.Parse("10.42.0.1"), IPAddress.Parse("fd42::1")],
                Export = true,
                Interface = "vpn-corp",
            },
        ],
        Peers = [.. peers.Select(peer => new PeerConfig { Name = peer, Fingerprint = TestIdentity.Get(peer).Node.Id, Networks = ["corp"] })],
    };

    private ulong NextDeadline() => Math.Min(Node.NextDeadline, _peers.Min(peer => peer.NextDeadline));

    private void Run(Func<bool> until, string what)
    {
        Exchange();
        for (var i = 0; !until(); i++)
        {
            if (i == 10_000)
            {
                throw new TimeoutException(what);
            }

            Step();
        }
    }
}
