using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using VibePN.Metrics;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN.Tests.Metrics;

/// <summary>Samples of made-up nodes.</summary>
internal static class Samples
{
    /// <param name="peers">Each with everything that a peer can have.</param>
    public static NodeSample Full(int peers) => Of([.. Enumerable.Range(0, peers).Select(Peer)]);

    public static NodeSample Of(params PeerSnapshot[] peers) => new()
    {
        Version = "1.2.3",
        Ngtcp2 = "1.11.0",
        GnuTls = "3.8.9",
        ResidentBytes = 20_000_000,
        LoopAllocatedBytes = 8_000,
        LoopTurns = 123,
        CertificateNotAfterUtcSeconds = 1_900_000_000,
        Node = new NodeSnapshot
        {
            Self = Id(-1),
            Name = "node1",
            At = new Instant(7_500_000_000, 0),
            StartedAt = new Instant(5_000_000_000, 0),
            Connections = peers.Length,
            Endpoint = default(QuicEndpointStats) with { RetriesSent = 3, DroppedMalformed = 4 },
            Handshakes = new Dictionary<string, long> { ["up"] = 5 },
            Drops = new Dictionary<DropReason, ulong> { [DropReason.OutNoRoute] = 9 },
            Networks = [Corp()],
            Peers = peers,
        },
    };

    public static PeerSnapshot Peer(int number) => new()
    {
        Name = string.Create(CultureInfo.InvariantCulture, $"peer{number}"),
        Id = Id(number),
        Condition = PeerCondition.Up,
        Reason = "",
        Address = "192.0.2.1:51820",
        BytesIn = (ulong)number,
        BytesOut = 2_000_000_000_000,
        PacketsIn = 3,
        PacketsOut = 4,
        MtuBytes = 1420,
        EchoRtt = TimeSpan.FromMilliseconds(12),
        Queue = new QueueSnapshot(5000, 4, TimeSpan.FromMilliseconds(3), TimeSpan.FromMilliseconds(8), 7, 6, 5),
        Quic = default(QuicStats) with
        {
            SmoothedRtt = TimeSpan.FromMilliseconds(10.5),
            MinRtt = TimeSpan.FromMilliseconds(9),
            CongestionWindowBytes = 300_000,
            DatagramsAcked = 75,
            DatagramsLost = 25,
        },
        Repair = new RepairSnapshot { IsOn = true, IsTrial = false, ChangedNanos = 0, Loss = 0.01, Limit = 0.001, Resent = 1, GivenUp = 2, Repaired = 3, Late = 4, Missed = 5, Held = 6 },
        Parity = new ParitySnapshot { Loss = 0.01, Counts = default(ParityStats) with { Rebuilt = 7, Written = 8 } },
    };

    /// <summary>As the daemon writes it.</summary>
    public static string Text(NodeSample sample)
    {
        using NodeMeter meter = new(() => sample);
        using Exposition exposition = new(meter.Meter);
        return Encoding.UTF8.GetString(exposition.Write());
    }

    private static NetworkSnapshot Corp() => new(
        "corp",
        "vpn-corp",
        1420,
        true,
        [],
        [],
        [
            RouteTo("10.42.0.7", RouteVerdict.Used),
            RouteTo("10.42.0.8", RouteVerdict.Used),
            RouteTo("10.42.0.9", RouteVerdict.AddressInUse),
            RouteTo("10.42.0.10", RouteVerdict.AddressInUse) with { IsFormer = true },
        ],
        new Dictionary<DropReason, ulong> { [DropReason.OutPeerDown] = 2 });

    private static Route RouteTo(string address, RouteVerdict verdict) =>
        new(Prefix.Host(IpKey.FromIPAddress(IPAddress.Parse(address))), Id(0), RouteSource.Address, 0, verdict);

    private static PeerId Id(int number) => new(SHA256.HashData(BitConverter.GetBytes(number)));
}
