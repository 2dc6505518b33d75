using System.Net;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>The socket changes while everything runs: the peers are moved to the new one before the old one goes.</summary>
public sealed class ListenerTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    /// <summary>Who dials whom, and which of the two moves.</summary>
    public static TheoryData<bool, bool, int> Roles => new()
    {
        { true, false, 0 }, { true, false, 1 }, { false, true, 0 }, { false, true, 1 }, { true, true, 0 }, { true, true, 1 },
    };

    [Theory]
    [MemberData(nameof(Roles))]
    public void Port_Changed_NothingIsLostAndTheOldSocketGoes(bool firstDials, bool secondDials, int mover)
    {
        using var sim = new SimNetwork(1);
        var hosts = Pair(sim, firstDials, secondDials);
        var moving = hosts[mover];
        Talk(sim, hosts, 10);

        moving.ChangeSocket(NewPort(moving));
        var looks = 0;
        for (var isClosed = false; !isClosed && looks < 20; looks++)
        {
            Talk(sim, hosts, 50);
            isClosed = moving.LeaveOldSocket(isOver: false);
        }

        Assert.InRange(looks, 1, 12);
        Talk(sim, hosts, 10);
        Assert.Equal(sim.Ledger.Sent, sim.Ledger.Arrived);
        Assert.Equal((1, 1), (hosts[0].Snapshot.Connections, hosts[1].Snapshot.Connections));
        Assert.Equal(hosts[mover].EndPoint.ToString(), hosts[1 - mover].Peer(moving.Name).Address);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 300)]
    [InlineData(1, 300)]
    [InlineData(0, 5000)]
    [InlineData(1, 5000)]
    public void Ports_OfBothChanged_HardlyAnythingIsLost(int first, int millisBetween)
    {
        using var sim = new SimNetwork(2);
        var hosts = Pair(sim, true, true);
        SimHost[] order = [hosts[first], hosts[1 - first]];

        order[0].ChangeSocket(NewPort(order[0]));
        Leave(sim, hosts, order[..1], TimeSpan.FromMilliseconds(millisBetween), untilClosed: false);
        order[1].ChangeSocket(NewPort(order[1]));
        Leave(sim, hosts, order, 15 * Second, untilClosed: true);

        // Where both choose at once, one may close what the other has just sent on.
        Talk(sim, hosts, 10);
        Assert.InRange(sim.Ledger.Arrived, sim.Ledger.Sent - 2, sim.Ledger.Sent);
        Assert.All(hosts, host => Assert.Null(host.OldEndPoint));
        sim.Run(3 * Second);
        Assert.Equal((1, 1), (hosts[0].Snapshot.Connections, hosts[1].Snapshot.Connections));
    }

    [Fact]
    public void Port_ChangedThere_AndBackAgain_NothingIsLost()
    {
        using var sim = new SimNetwork(3);
        var hosts = Pair(sim, true, false);
        var home = hosts[0].EndPoint;
        hosts[0].ChangeSocket(NewPort(hosts[0]));
        Talk(sim, hosts, 30);

        hosts[0].ChangeSocket(home);
        Leave(sim, hosts, hosts[..1], 15 * Second, untilClosed: true);

        Assert.Equal(sim.Ledger.Sent, sim.Ledger.Arrived);
        Assert.Equal(home.ToString(), hosts[1].Peer("a").Address);
    }

    [Fact]
    public void Peer_ThatTheNewSocketCannotReach_StaysOnTheOldOneUntilItsTimeIsOver()
    {
        using var sim = new SimNetwork(4);
        var hosts = Pair(sim, false, true);
        sim.AddNat(hosts[1], 1);
        hosts[1].Kill();
        hosts[1].Boot();
        Assert.NotNull(sim.Await(() => hosts[0].IsUp(hosts[1]) && hosts[1].IsUp(hosts[0]), 60 * Second));
        sim.Run(Second);

        // Behind a NAT that lets in what was asked for only, it is not reached from another port.
        hosts[0].ChangeSocket(new IPEndPoint(IPAddress.Parse("192.0.2.101"), 7777));
        var (sent, arrived) = (sim.Ledger.Sent, sim.Ledger.Arrived);
        for (var i = 0; i < 40; i++)
        {
            Talk(sim, hosts, 10);
            Assert.False(hosts[0].LeaveOldSocket(isOver: false));
        }

        Assert.Equal(sim.Ledger.Sent - sent, sim.Ledger.Arrived - arrived);
        Assert.True(hosts[0].LeaveOldSocket(isOver: true));
        sim.Run(Second);
        Assert.False(hosts[0].IsUp(hosts[1]));
        Assert.Contains("listens elsewhere", hosts[1].Peer("a").Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Attempt_FromTheOldSocket_BeginsAnewFromTheNewOne()
    {
        using var sim = new SimNetwork(5);
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        b.Kill();
        sim.Run(Look);
        a.ChangeSocket(NewPort(a));
        b.Boot();

        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 2 * Second));
        Assert.True(a.LeaveOldSocket(isOver: false));
        Assert.Equal(a.EndPoint.ToString(), b.Peer("a").Address);
    }

    private static IPEndPoint NewPort(SimHost host) => new(host.EndPoint.Address, host.EndPoint.Port + 1);

    private static SimHost[] Pair(SimNetwork sim, bool firstDials, bool secondDials)
    {
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(5) };
        var a = sim.AddHost("a", 1, new SimPeer("b", firstDials ? 2 : null));
        var b = sim.AddHost("b", 2, new SimPeer("a", secondDials ? 1 : null));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 10 * Second));
        sim.Run(3 * Second);
        return [a, b];
    }

    /// <summary>Looks after old sockets twice a second, while packets flow.</summary>
    private static void Leave(SimNetwork sim, SimHost[] hosts, SimHost[] moving, TimeSpan time, bool untilClosed)
    {
        for (var passed = TimeSpan.Zero; passed < time && !(untilClosed && moving.All(host => host.OldEndPoint is null)); passed += Look)
        {
            Talk(sim, hosts, (int)(Math.Min(Look.TotalMilliseconds, (time - passed).TotalMilliseconds) / 10));
            foreach (var host in moving.Where(host => host.OldEndPoint is not null))
            {
                _ = host.LeaveOldSocket(isOver: false);
            }
        }
    }

    /// <summary>So many rounds of a packet each way, 10 ms apart; the last arrive too.</summary>
    private static void Talk(SimNetwork sim, SimHost[] hosts, int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            hosts[0].SendTo(hosts[1], 0, 1000);
            hosts[1].SendTo(hosts[0], 0, 1000);
            sim.Run(TimeSpan.FromMilliseconds(10));
        }
    }
}
