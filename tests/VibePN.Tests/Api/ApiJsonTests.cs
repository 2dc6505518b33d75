using System.Text.Json;
using VibePN.Api;
using Xunit;

namespace VibePN.Tests.Api;

/// <summary>Scripts read this JSON: a name that changes breaks them.</summary>
public sealed class ApiJsonTests
{
    [Fact]
    public void Status_FullyFilled_HasThisShape()
    {
        StatusDto status = new()
        {
            Version = "1.2.3",
            Name = "node1",
            Id = "ab",
            Pid = 7,
            StartedUtc = DateTimeOffset.UnixEpoch,
            UptimeSeconds = 1.5,
            ResidentBytes = 1024,
            Config = "/c",
            Listen = ["[::]:1"],
            PacketProtection = "AES-128-GCM (GnuTLS)",
            Offloads = new OffloadsDto { UdpGso = true, UdpGroReason = "r" },
            Libraries = new LibrariesDto { Ngtcp2 = "1.11", GnuTls = "3.8", Kernel = "6.1" },
            Loop = new LoopDto { AllocatedBytes = 5, Turns = 6 },
            Connections = 2,
            Endpoint = new EndpointDto { Accepted = 8, RetriesSent = 9, Drops = new Dictionary<string, long> { ["initialRate"] = 10 } },
            Handshakes = new Dictionary<string, long> { ["up"] = 3 },
            Drops = new Dictionary<string, long> { ["noRoute"] = 4 },
            Networks = [new NetworkDto { Name = "corp", Interface = "vpn-corp", Prefixes = ["10.0.0.0/8"], Addresses = ["10.0.0.1"], MtuBytes = 1420, Export = true, Offloads = new TunOffloadsDto { Tcp = true, UdpReason = "old" } }],
            Peers = [new PeerDto { Name = "p", State = PeerState.RefusedByPeer }],
            KeptOut = [new KeptOutDto { Name = "k", Id = "ef", SinceUtc = DateTimeOffset.UnixEpoch }],
            Warnings = ["w"],
        };

        const string Expected = """
            {"version":"1.2.3","name":"node1","id":"ab","pid":7,"startedUtc":"1970-01-01T00:00:00+00:00","uptimeSeconds":1.5,"residentBytes":1024,
            "config":"/c","listen":["[::]:1"],"packetProtection":"AES-128-GCM (GnuTLS)",
            "offloads":{"udpGso":true,"udpGro":false,"udpGroReason":"r"},
            "libraries":{"ngtcp2":"1.11","gnuTls":"3.8","kernel":"6.1"},"loop":{"allocatedBytes":5,"turns":6},"connections":2,
            "endpoint":{"dialed":0,"accepted":8,"retriesSent":9,"versionNegotiationsSent":0,"statelessResetsSent":0,"drops":{"initialRate":10}},
            "handshakes":{"up":3},"drops":{"noRoute":4},
            "networks":[{"name":"corp","interface":"vpn-corp","prefixes":["10.0.0.0/8"],"addresses":["10.0.0.1"],"mtuBytes":1420,"export":true,
            "offloads":{"tcp":true,"udp":false,"udpReason":"old"}}],
            "peers":[{"name":"p","introducedBy":[],"introduces":false,"introductionsRefused":0,"state":"refused by peer","lacks":[],"doubts":0,"unresponsive":0,"routesRefused":0,
            "queue":{"bytes":0,"frames":0,"waitMillis":0,"maxWaitMillis":0,"marked":0,"droppedByCoDel":0,"droppedFull":0},
            "packetsIn":0,"bytesIn":0,"packetsOut":0,"bytesOut":0,"networks":[],"addresses":[]}],"keptOut":[{"name":"k","id":"ef","sinceUtc":"1970-01-01T00:00:00+00:00"}],
            "warnings":["w"]}
            """;
        Assert.Equal(Expected.ReplaceLineEndings(""), JsonSerializer.Serialize(status, ApiJson.Compact.StatusDto));
    }

    [Fact]
    public void Peer_FullyFilled_HasThisShape()
    {
        PeersDto peers = new()
        {
            Peers =
            [
                new PeerDto
                {
                    Name = "p",
                    Id = "cd",
                    Trust = PeerTrustSource.Introduction,
                    IntroducedBy = ["hub"],
                    Introduces = true,
                    IntroductionsRefused = 13,
                    State = PeerState.Connected,
                    Reason = "r",
                    Address = "1.2.3.4:5",
                    Dialed = true,
                    Protocol = "vibepn/0.1",
                    Lacks = ["l"],
                    RttMillis = 0.25,
                    EchoMillis = 0.75,
                    Unresponsive = 5,
                    RoutesRefused = 6,
                    MtuBytes = 1422,
                    MtuState = MtuState.Capped,
                    BlackHoles = 7,
                    Queue = new QueueDto { Bytes = 8, Frames = 9, WaitMillis = 0.5, MaxWaitMillis = 1.5, Marked = 10, DroppedByCoDel = 11, DroppedFull = 12 },
                    PacketsIn = 1,
                    BytesIn = 2,
                    PacketsOut = 3,
                    BytesOut = 4,
                    Loss = 0.5,
                    Networks = ["corp"],
                    Addresses = ["10.0.0.2"],
                    SinceUtc = DateTimeOffset.UnixEpoch,
                },
            ],
        };

        const string Expected = """
            {"peers":[{"name":"p","id":"cd","trust":"introduction","introducedBy":["hub"],"introduces":true,"introductionsRefused":13,"state":"connected","reason":"r","address":"1.2.3.4:5","dialed":true,"protocol":"vibepn/0.1","lacks":["l"],"rttMillis":0.25,"echoMillis":0.75,"doubts":0,"unresponsive":5,"routesRefused":6,"mtuBytes":1422,
            "mtuState":"capped","blackHoles":7,"queue":{"bytes":8,"frames":9,"waitMillis":0.5,"maxWaitMillis":1.5,"marked":10,"droppedByCoDel":11,"droppedFull":12},
            "packetsIn":1,"bytesIn":2,"packetsOut":3,"bytesOut":4,"loss":0.5,"networks":["corp"],"addresses":["10.0.0.2"],"sinceUtc":"1970-01-01T00:00:00+00:00"}],"keptOut":[]}
            """;
        Assert.Equal(Expected.ReplaceLineEndings(""), JsonSerializer.Serialize(peers, ApiJson.Compact.PeersDto));
    }

    [Fact]
    public void Route_FullyFilled_HasThisShape()
    {
        RoutesDto routes = new() { Routes = [new RouteDto { Network = "corp", Prefix = "10.0.0.2/32", Peer = "p", Source = "announced", Metric = 7, Used = false, StandBy = true, Former = true, Conflict = "c", Why = "not allowed" }] };

        Assert.Equal(
            """{"routes":[{"network":"corp","prefix":"10.0.0.2/32","peer":"p","source":"announced","metric":7,"used":false,"standBy":true,"former":true,"conflict":"c","why":"not allowed"}]}""",
            JsonSerializer.Serialize(routes, ApiJson.Compact.RoutesDto));
    }

    [Theory]
    [InlineData(PeerState.Waiting, "waiting")]
    [InlineData(PeerState.Dialing, "dialing")]
    [InlineData(PeerState.Connected, "connected")]
    [InlineData(PeerState.RefusedByPeer, "refused by peer")]
    [InlineData(PeerState.RefusedByUs, "refused by us")]
    [InlineData(PeerState.Unreachable, "unreachable")]
    public void PeerState_InJson_IsInWordsAndReadsBack(PeerState state, string words)
    {
        string json = JsonSerializer.Serialize(new PeersDto { Peers = [new PeerDto { Name = "p", State = state }] }, ApiJson.Default.PeersDto);

        Assert.Contains($"\"state\": \"{words}\"", json, StringComparison.Ordinal);
        Assert.Equal(state, JsonSerializer.Deserialize(json, ApiJson.Default.PeersDto)!.Peers[0].State);
    }

    [Fact]
    public void Formats_ReadableAndCompact_DifferInLayoutOnly()
    {
        ErrorDto error = new() { Error = "it's 1+1" };

        Assert.Equal("{\n  \"error\": \"it's 1+1\"\n}", JsonSerializer.Serialize(error, ApiJson.Readable.ErrorDto));
        Assert.Equal("{\"error\":\"it's 1+1\"}", JsonSerializer.Serialize(error, ApiJson.Compact.ErrorDto));
    }
}
