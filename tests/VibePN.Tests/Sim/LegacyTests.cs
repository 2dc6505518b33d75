using VibePN.Control;
using VibePN.Legacy;
using VibePN.Linux;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>Peers of the protocol of before (docs/protocol.md, vibepn/0.1), played by one that was written from its description.</summary>
public sealed class LegacyTests
{
    private const string Own = "10.42.0.1";
    private const string Theirs = "10.42.0.77";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Peer_OfTheOldProtocol_IsDialedAndPacketsPassBothWays()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);

        Assert.Equal(["10.42.0.1/32"], old.RoutesOf("corp"));
        Assert.Equal((PeerCondition.Up, "vibepn/0.1", true), (a.Peer("old").Condition, a.Peer("old").Protocol, a.Peer("old").IsDialer));
        Assert.Equal(LegacySession.Lacks, a.Peer("old").Lacks);
        Assert.Equal(NodeNetwork.DefaultMtuBytes, a.Peer("old").MtuBytes);
        Assert.Equal(["corp"], a.Peer("old").Networks);

        var there = TestPacket.Udp(Own, Theirs);
        a.Send(0, there);
        var back = TestPacket.Udp(Theirs, Own);
        old.SendPacket("corp", back);
        sim.Run(Second);

        Assert.Equal([there], old.Packets.Select(packet => packet.Packet));
        Assert.All(old.Packets, packet => Assert.Equal("corp", packet.Network));
        Assert.Equal([back], a.Delivered.Select(packet => packet.Packet));
        Assert.Empty(old.Errors);
        Assert.Equal(0, old.Datagrams);
    }

    [Fact]
    public void Peers_OfOurProtocol_StillSpeakIt()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        sim.AddHost("b", 2, new SimPeer("a"));
        sim.Run(2 * Second);

        Assert.Equal(("vibepn/1", 0), (a.Peer("b").Protocol, a.Peer("b").Lacks.Count));
    }

    [Fact]
    public void ManyPackets_OfManyFlows_ArriveInOrderWithinAFlowAndOnFewStreams()
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { Loss = 0.02 };
        var (a, old) = Connect(sim);
        for (var i = 0; i < 2000; i++)
        {
            var packet = TcpPacket.Build(Own, Theirs, 1000, port: (ushort)(40_000 + (i % 20)));
            TcpPacket.Number(packet, i);
            a.Send(0, packet);
            sim.Run(TimeSpan.FromMilliseconds(1));
        }

        sim.Run(5 * Second);
        var numbers = old.Packets.Select(packet => (Flow: packet.Packet[21], Number: TcpPacket.NumberOf(packet.Packet))).ToList();

        Assert.Equal(2000, numbers.Count);
        Assert.All(numbers.GroupBy(packet => packet.Flow), flow => Assert.Equal(flow.Select(packet => packet.Number).Order(), flow.Select(packet => packet.Number)));
        Assert.InRange(old.Packets.Select(packet => packet.Stream).Distinct().Count(), 2, LegacySender.Lanes);
    }

    [Fact]
    public void ManyPackets_EachOnAStreamOfItsOwn_AllArriveAndNothingIsKept()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        for (var i = 0; i < 8000; i++)
        {
            old.SendPacket("corp", TestPacket.Udp(Theirs, Own, 1000));
            if (i % 10 == 0)
            {
                sim.Run(TimeSpan.FromMilliseconds(1));
            }
        }

        sim.Run(5 * Second);

        Assert.Equal(0, old.Waiting);
        Assert.Equal(8000, a.Delivered.Count);
        Assert.Equal(PeerCondition.Up, a.Peer("old").Condition);
    }

    [Fact]
    public void SuperPacket_OfTheHost_ArrivesAsWholePacketsWithChecksums()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        var packet = TcpPacket.Build(Own, Theirs, 5000);
        var header = new VirtioNetHeader(VirtioNetBits.NeedsChecksum, VirtioGsoType.TcpV4, HeaderBytes: 40, SegmentBytes: 1000, ChecksumStart: 20, ChecksumOffset: 16);
        a.Node!.OnTun(0, header, packet, sim.Now);
        a.Flush();
        sim.Run(Second);

        Assert.Equal(5, old.Packets.Count);
        Assert.All(old.Packets, received =>
        {
            Assert.True(IpHeader.TryParse(received.Packet, out var ip));
            var sum = Checksum.PseudoHeader(ip.Source, ip.Destination, ip.Protocol, received.Packet.Length - ip.PayloadOffset);
            Assert.Equal(0xffff, Checksum.Fold(Checksum.Add(sum, received.Packet.AsSpan(ip.PayloadOffset))));
        });
    }

    [Fact]
    public void Peer_WhoseNodeFallsSilent_IsClosedAfterThirtySeconds()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        sim.Run(TimeSpan.FromMinutes(5));
        Assert.Equal((PeerCondition.Up, 1), (a.Peer("old").Condition, old.Accepted));
        Assert.InRange(old.Messages.Count(message => message.Type == 'K'), 29, 31);

        old.SaysKeepalive = false;
        sim.Run(TimeSpan.FromSeconds(19));
        Assert.Equal(PeerCondition.Up, a.Peer("old").Condition);
        var took = sim.RunUntil(() => a.Peer("old").Unresponsive > 0, 12 * Second);

        Assert.NotNull(took);
        Assert.Equal((ulong)CloseReason.Unresponsive, old.Closed?.ErrorCode ?? (ulong)CloseReason.Unresponsive);
    }

    [Fact]
    public void Peer_ThatRestarts_IsBackWithinSeconds()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        old.Kill();
        sim.Run(5 * Second);
        old.Boot();
        a.Send(0, TestPacket.Udp(Own, Theirs));
        var took = sim.RunUntil(
            () =>
            {
                if (a.IsRunning && old.Messages.Count > 0 && old.Packets.Count == 0)
                {
                    a.Send(0, TestPacket.Udp(Own, Theirs));
                }

                return old.Packets.Count > 0;
            },
            10 * Second);

        Assert.NotNull(took);
        old.SendPacket("corp", TestPacket.Udp(Theirs, Own));
        sim.Run(Second);
        Assert.Single(a.Delivered);
    }

    [Fact]
    public void Goodbye_OfThisNode_IsAMessageAndOfThePeerEndsTheConnection()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        old.Say('G');
        Assert.NotNull(sim.RunUntil(() => old.Closed is not null, Second));
        Assert.NotNull(sim.RunUntil(() => a.Peer("old").Condition == PeerCondition.Up, 10 * Second));
        sim.Run(Second);

        a.Node!.Goodbye(sim.Now);
        a.Flush();
        sim.Run(Second);

        Assert.Equal('G', old.Messages[^1].Type);
        Assert.Empty(old.Errors);
    }

    [Fact]
    public void LegacyPeer_ThatDialsUs_IsRefusedAndItsEntrySaysWhatToDo()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("old"));
        var old = new SimLegacy(sim, "old", 66);
        var dialed = old.Dial(a);
        sim.Run(Second);

        Assert.True(dialed.IsClosed);
        Assert.Equal(PeerCondition.Waiting, a.Peer("old").Condition);
        Assert.Contains("vibepn/0.1, give its entry an address", a.Peer("old").Reason, StringComparison.Ordinal);
        Assert.Contains("192.0.2.66:51820 tried", a.Peer("old").Reason, StringComparison.Ordinal);
        Assert.Contains(a.Logger.Lines, line => line.Contains("dialed and was refused", StringComparison.Ordinal));
        sim.Run(TimeSpan.FromMinutes(3));
        Assert.DoesNotContain("tried", a.Peer("old").Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void WholePrefix_IsWhatNobodyElseHas()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("old", 66), new SimPeer("b"));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        var old = Add(sim);
        sim.Run(3 * Second);

        // Its own, ours, another peer's, the network's first and last.
        string[] sources = [Theirs, "10.42.0.200", Own, "10.42.0.2", "10.42.0.0", "10.42.0.255"];
        foreach (var source in sources)
        {
            old.SendPacket("corp", TestPacket.Udp(source, Own));
        }

        sim.Run(Second);
        Assert.Equal(2, UdpAt(a));
        Assert.Equal(4u, a.Snapshot.Drops[DropReason.InSourceNotOwned]);

        // Packets for another peer go there, also when that is away: its address is kept for it.
        a.Send(0, TestPacket.Udp(Own, "10.42.0.2"));
        a.Send(0, TestPacket.Udp(Own, "10.42.0.99"));
        sim.Run(Second);
        Assert.Single(old.Packets);
        Assert.Equal(1, UdpAt(b));
        b.Kill();
        sim.Run(TimeSpan.FromMinutes(1));
        a.Send(0, TestPacket.Udp(Own, "10.42.0.2"));
        old.SendPacket("corp", TestPacket.Udp("10.42.0.2", Own));
        sim.Run(Second);
        Assert.Single(old.Packets);
        Assert.Equal(2, UdpAt(a));

        var automatic = LegacyAddress.Of("corp", sim.Identity("old").Node.Id.ToString(), Prefix.FromIPNetwork(System.Net.IPNetwork.Parse("10.42.0.0/24")));
        Assert.Equal([automatic!.Value], a.Peer("old").Addresses);
    }

    [Fact]
    public void EntryWithAddresses_TakesThePlaceOfTheWholePrefix()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, sim.Identity("a"), config => config with { Peers = [config.Peers[0] with { Addresses = [System.Net.IPAddress.Parse(Theirs)] }] }, new SimPeer("old", 66));
        var old = Add(sim);
        sim.Run(2 * Second);
        old.SendPacket("corp", TestPacket.Udp(Theirs, Own));
        old.SendPacket("corp", TestPacket.Udp("10.42.0.78", Own));
        a.Send(0, TestPacket.Udp(Own, Theirs));
        a.Send(0, TestPacket.Udp(Own, "10.42.0.78"));
        sim.Run(Second);

        Assert.Equal(1, UdpAt(a));
        Assert.Single(old.Packets);
        Assert.Equal([Theirs], a.Peer("old").Addresses.Select(address => address.ToString()));
        Assert.Equal(0, a.Peer("old").RoutesRefused);
    }

    [Fact]
    public void Routes_OfThePeer_FollowItsEntryAndItsWord()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost(
            "a", 1, sim.Identity("a"), config => config with { Peers = [config.Peers[0] with { AllowRoutes = [System.Net.IPNetwork.Parse("10.50.0.0/16")] }] }, new SimPeer("old", 66));
        var old = Add(sim);
        old.Exports.Add(("corp", "10.50.1.0/24", 7));
        old.Exports.Add(("corp", "10.60.0.0/16", 0));
        old.Exports.Add(("elsewhere", "10.70.0.0/16", 0));
        sim.Run(2 * Second);

        Assert.Equal(["10.42.0.0/24", "10.50.1.0/24"], Used());
        Assert.Equal(1, a.Peer("old").RoutesRefused);
        old.SendPacket("corp", TestPacket.Udp("10.50.1.9", Own));
        old.SendPacket("elsewhere", TestPacket.Udp(Theirs, Own));
        old.Withdraw("corp", "10.42.0.0/24");
        sim.Run(Second);
        Assert.Single(a.Delivered);
        Assert.Equal(["10.50.1.0/24"], Used());

        old.Withdraw("corp", "10.50.1.0/24");
        old.Withdraw("corp", "10.60.0.0/16");
        sim.Run(Second);
        Assert.Empty(a.Peer("old").Networks);
        Assert.Contains("announced nothing", a.Peer("old").NetworkProblems["corp"], StringComparison.Ordinal);
        a.Send(0, TestPacket.Udp(Own, "10.50.1.9"));
        Assert.Equal(1u, a.Snapshot.Networks[0].Drops[DropReason.OutNoRoute]);

        string[] Used() => [.. a.Snapshot.Networks[0].Routes.Where(route => route.IsUsed && !route.Prefix.IsHost).Select(route => route.Prefix.ToString()).Order()];
    }

    [Fact]
    public void Reload_ThatChangesRoutesAndNetworks_IsToldAsAnnouncementsAndWithdrawals()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        a.Apply(config => config with { Networks = [config.Networks[0] with { Routes = [System.Net.IPNetwork.Parse("192.168.7.0/24")] }] });
        sim.Run(Second);
        Assert.Equal(["10.42.0.1/32", "192.168.7.0/24"], old.RoutesOf("corp"));

        a.Apply(config => config with { Networks = [config.Networks[0] with { Routes = [] }] });
        sim.Run(Second);
        Assert.Equal(["10.42.0.1/32"], old.RoutesOf("corp"));

        a.Apply(config => config with { Peers = [config.Peers[0] with { Networks = [] }] });
        sim.Run(Second);
        Assert.Empty(old.RoutesOf("corp"));
        Assert.Empty(a.Snapshot.Networks[0].Routes);
        Assert.Equal((1, 0), (old.Accepted, old.Errors.Count));
    }

    [Fact]
    public void Mtu_DoesNotFollowAPeerThatCarriesAnything()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        sim.Run(20 * Second);
        a.Send(0, TestPacket.Udp(Own, Theirs, 1392));
        a.Send(0, TestPacket.Udp(Own, Theirs, 1393));
        var split = TestPacket.Udp(Own, Theirs, 3000);
        split[6] = 0;
        a.Send(0, split);
        sim.Run(Second);

        Assert.Equal(1420, a.Snapshot.Networks[0].MtuBytes);
        Assert.Equal([1420, 3028], old.Packets.Select(packet => packet.Packet.Length));
        Assert.Equal(1u, a.Snapshot.Networks[0].Drops[DropReason.OutTooBig]);
        Assert.Equal(3, a.Delivered[0].Packet[20]);
    }

    [Fact]
    public void SlowPath_QueuesInFrontOfTheStreamsAndDropsThere()
    {
        using var sim = new SimNetwork(1);
        sim.DefaultLink = new SimLink { BytesPerSecond = 125_000, QueueBytes = 30_000 };
        var (a, old) = Connect(sim);
        for (var i = 0; i < 4000; i++)
        {
            a.Send(0, TestPacket.Udp(Own, Theirs, 1000));
            sim.Run(TimeSpan.FromMilliseconds(1));
        }

        var queue = a.Peer("old").Queue;
        Assert.True(queue.DroppedByCoDel + queue.DroppedFull > 1000, $"{queue}");
        var dropped = (int)(queue.DroppedByCoDel + queue.DroppedFull);
        sim.Run(20 * Second);

        Assert.True(old.Packets.Count >= 3000 - dropped, $"{old.Packets.Count} of 4000 with {dropped} dropped");
        Assert.InRange(old.Packets.Count, 300, 2500);
        Assert.Equal(PeerCondition.Up, a.Peer("old").Condition);
    }

    [Fact]
    public void StreamsThatAreNoData_AreIgnored()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        byte[] reload = [0, 24, (byte)'A', .. LegacyDaemon.Field("corp"), .. LegacyDaemon.Field("10.42.0.0/24"), 0, 0];
        old.SendStream([0, 1, (byte)'G']);
        old.SendStream(reload);
        old.SendStream([]);
        old.SendStream([0]);
        old.SendStream([33, .. new byte[40]]);
        old.SendStream([4, (byte)'c', (byte)'o']);
        old.SendStream([.. "GET / HTTP/1.1\r\n\r\n"u8]);
        old.SendPacket("corp", TestPacket.Udp(Theirs, Own));
        sim.Run(15 * Second);

        Assert.Single(a.Delivered);
        Assert.Equal((PeerCondition.Up, 1), (a.Peer("old").Condition, old.Accepted));
        Assert.Equal(4u, a.Snapshot.Drops[DropReason.InMalformed]);
    }

    [Theory]
    [InlineData("before Hello", new byte[] { 0, 9, (byte)'K', 0, 0, 0, 0, 0, 0, 0, 1 })]
    [InlineData("no length", new byte[] { 0, 0 })]
    [InlineData("too long", new byte[] { 0x10, 1 })]
    [InlineData("short Hello", new byte[] { 0, 8, (byte)'H', 0, 0, 0, 0, 0, 0, 0 })]
    public void ControlStream_ThatIsNone_EndsTheConnection(string why, byte[] bytes)
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("old", 66));
        var old = Add(sim);
        old.SaysHello = false;
        Assert.NotNull(sim.RunUntil(() => old.Messages.Count > 0, Second));
        old.SayBytes(bytes);
        sim.RunUntil(() => old.Closed is not null, Second);

        Assert.True(old.Closed?.ErrorCode == (ulong)CloseReason.Malformed, why);
        Assert.NotEqual(PeerCondition.Up, a.Peer("old").Condition);
    }

    [Theory]
    [InlineData(new byte[] { 0, 9, (byte)'H', 0, 0, 0, 0, 0, 0, 0, 1 })]
    [InlineData(new byte[] { 0, 3, (byte)'A', 5, (byte)'c' })]
    [InlineData(new byte[] { 0, 8, (byte)'A', 1, (byte)'c', 3, (byte)'1', (byte)'/', (byte)'8', 0 })]
    [InlineData(new byte[] { 0, 1, (byte)'W' })]
    [InlineData(new byte[] { 0, 2, (byte)'K', 1 })]
    public void Message_ThatIsMalformed_EndsTheConnection(byte[] bytes)
    {
        using var sim = new SimNetwork(1);
        var (_, old) = Connect(sim);
        old.SayBytes(bytes);
        sim.RunUntil(() => old.Closed is not null, Second);

        Assert.Equal((ulong)CloseReason.Malformed, old.Closed?.ErrorCode);
    }

    [Fact]
    public void Message_OfUnknownTypeOrWithAPrefixThatIsNone_IsSkipped()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        old.Say('X', 1, 2, 3);
        old.Announce("corp", "nonsense");
        old.Announce("corp", "10.42.0.0/33");
        old.Withdraw("corp", "");
        old.Announce("", "10.42.0.0/24");
        sim.Run(Second);

        Assert.Equal(PeerCondition.Up, a.Peer("old").Condition);
        Assert.Contains(a.Logger.Lines, line => line.Contains("1 routes in network corp that are no prefixes", StringComparison.Ordinal));
    }

    [Fact]
    public void Peer_ThatAnnouncesWithoutEnd_IsClosed()
    {
        using var sim = new SimNetwork(1);
        var (_, old) = Connect(sim);
        for (var i = 0; i < 1100; i++)
        {
            old.Announce("corp", $"10.{i / 250}.{i % 250}.0/24");
        }

        sim.RunUntil(() => old.Closed is not null, Second);
        Assert.Equal((ulong)CloseReason.LimitExceeded, old.Closed?.ErrorCode);
    }

    [Fact]
    public void HalfFrames_OnAllStreamsThatThePeerMayOpen_AreBounded()
    {
        using var sim = new SimNetwork(1);
        var (a, old) = Connect(sim);
        byte[] half = [.. LegacyDaemon.Frame("corp", new byte[60_000])[..20_000]];
        for (var i = 0; i < 1500; i++)
        {
            old.SendStream(half, fin: false);
            sim.Run(TimeSpan.FromMilliseconds(5));
        }

        Assert.True(old.Waiting > 400, $"{old.Waiting} streams were not allowed");
        sim.Run(15 * Second);
        Assert.Equal(PeerCondition.Up, a.Peer("old").Condition);
        Assert.True(a.Snapshot.Drops[DropReason.InMalformed] > 900, "those for which there was no room were counted");
    }

    [Fact]
    public void Upgrade_OfThePeer_IsNoticedAndTheOldWordIsForgotten()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("old", 66));
        var old = Add(sim);
        sim.Run(2 * Second);
        old.Kill();
        var upgraded = sim.AddHost("old", 66, new SimPeer("a", 1));
        sim.Run(40 * Second);

        Assert.Equal(("vibepn/1", PeerCondition.Up), (a.Peer("old").Protocol, a.Peer("old").Condition));
        Assert.DoesNotContain(a.Snapshot.Networks[0].Routes, route => route.Source == RouteSource.Rest);
        Assert.Equal(PeerCondition.Up, upgraded.Peer("a").Condition);
    }

    private static int UdpAt(SimHost host) => host.Delivered.Count(packet => packet.Packet[9] == 17);

    private static SimLegacy Add(SimNetwork sim)
    {
        var old = new SimLegacy(sim, "old", 66);
        old.Exports.Add(("corp", "10.42.0.0/24", 0));
        return old;
    }

    private static (SimHost Node, SimLegacy Old) Connect(SimNetwork sim)
    {
        var a = sim.AddHost("a", 1, new SimPeer("old", 66));
        var old = Add(sim);
        Assert.NotNull(sim.RunUntil(() => old.Messages.Exists(message => message.Type == 'A') && a.Peer("old").Networks.Count > 0, 5 * Second));
        return (a, old);
    }
}
