using System.Net;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>A world that breaks under traffic, and how long it takes until packets pass in both directions again.</summary>
internal static class RecoveryScenarios
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>Between packets of the traffic.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    /// <summary>The side that dialed changes its address again and again: the connection moves with it.</summary>
    public static void DialerMoves(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: sim.Seed % 2 == 0);
        for (var i = 0; i < 8; i++)
        {
            sim.Run(new SimDice(sim.Seed, "pause" + i).UpTo(3 * Second));
            b.Move(20 + (i % 3));
            Recovers(sim, a, b, Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>The side that was dialed moves, and its peer has an old address of it: it has to dial itself.</summary>
    public static void AcceptorMoves(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: sim.Seed % 2 == 0);
        for (var i = 0; i < 8; i++)
        {
            sim.Run(new SimDice(sim.Seed, "pause" + i).UpTo(5 * Second));
            a.Move(20 + (i % 3));
            Recovers(sim, a, b, Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>
    /// Both sides move at the same moment, or almost: each looks for the other where it was. One that knows the other's name would find it; here
    /// b comes to an address that a has in its config, so that a can.
    /// </summary>
    public static void BothMove(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: true);
        for (var i = 0; i < 8; i++)
        {
            var dice = new SimDice(sim.Seed, "both-move" + i);
            sim.Run(dice.UpTo(5 * Second));
            var (first, second) = dice.Below(2) == 0 ? (a, b) : (b, a);
            first.Move(first == a ? 20 + (i % 3) : i % 2 == 0 ? 2 : 30);
            sim.Run(dice.Below(2) == 0 ? TimeSpan.Zero : dice.UpTo(0.2 * Second));
            second.Move(second == a ? 20 + (i % 3) : i % 2 == 0 ? 2 : 30);
            if (i % 2 == 0)
            {
                Recovers(sim, a, b, 1.5 * Second);
                continue;
            }

            // Neither is where the other would look; then the one that was dialed before comes home.
            Talk(sim, a, b, dice.UpTo(3 * Second));
            a.Move(1);
            Recovers(sim, a, b, 1.5 * Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>A listener that changes its port, by reload, while its host, or the other one, moves.</summary>
    public static void ReloadAndMove(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: true);
        for (var i = 0; i < 6; i++)
        {
            var dice = new SimDice(sim.Seed, "reload-move" + i);
            sim.Run(dice.UpTo(5 * Second));
            var (listener, other) = dice.Below(2) == 0 ? (a, b) : (b, a);
            var mover = dice.Below(2) == 0 ? listener : other;
            var isMoveFirst = dice.Below(2) == 0;
            if (isMoveFirst)
            {
                mover.Move((mover == a ? 20 : 30) + (i % 3));
                sim.Run(dice.UpTo(0.3 * Second));
            }

            listener.ChangeSocket(new IPEndPoint(listener.EndPoint.Address, listener.EndPoint.Port == 51820 ? 51821 : 51820));
            if (!isMoveFirst)
            {
                sim.Run(dice.UpTo(0.3 * Second));
                mover.Move((mover == a ? 20 : 30) + (i % 3));
            }

            Recovers(sim, a, b, 1.5 * Second);
            for (var looks = 0; listener.OldEndPoint is not null; looks++)
            {
                Talk(sim, a, b, 0.5 * Second);
                _ = listener.LeaveOldSocket(isOver: looks == 20);
            }

            Recovers(sim, a, b, Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>All packets vanish for three seconds, in one direction or both. Within a second of its end packets pass.</summary>
    public static void Silence(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: sim.Seed % 2 == 0);
        for (var i = 0; i < 6; i++)
        {
            var dice = new SimDice(sim.Seed, "silence" + i);
            sim.Run(dice.UpTo(3 * Second));
            var kind = dice.Below(3);
            sim.Silence(a, b, isSilent: true, thither: kind != 1, back: kind != 2);
            Talk(sim, a, b, (3 * Second) + dice.UpTo(Second));
            sim.Silence(a, b, isSilent: false);
            Recovers(sim, a, b, Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>Either side is killed and comes back, sooner or later.</summary>
    public static void RestartOne(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: sim.Seed % 2 == 0);
        for (var i = 0; i < 6; i++)
        {
            var dice = new SimDice(sim.Seed, "restart" + i);
            sim.Run(dice.UpTo(3 * Second));
            var victim = dice.Below(2) == 0 ? a : b;
            victim.Kill();
            Talk(sim, a, b, dice.UpTo(dice.Below(2) == 0 ? 0.1 * Second : 20 * Second));
            victim.Boot();
            Recovers(sim, a, b, Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>Both are killed at once and come back one after the other.</summary>
    public static void RestartBoth(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: sim.Seed % 2 == 0);
        for (var i = 0; i < 6; i++)
        {
            var dice = new SimDice(sim.Seed, "both" + i);
            sim.Run(dice.UpTo(3 * Second));
            a.Kill();
            b.Kill();
            sim.Run(dice.UpTo(Second));
            a.Boot();
            sim.Run(dice.UpTo(0.3 * Second));
            b.Boot();
            Recovers(sim, a, b, 2 * Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>A laptop is closed for a while, and sometimes opened elsewhere: its clock jumps.</summary>
    public static void Sleep(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: sim.Seed % 2 == 0);
        for (var i = 0; i < 6; i++)
        {
            var dice = new SimDice(sim.Seed, "sleep" + i);
            sim.Run(dice.UpTo(3 * Second));
            b.Sleep();
            Talk(sim, a, b, (6 * Second) + dice.UpTo(dice.Below(2) == 0 ? 15 * Second : 300 * Second));
            if (dice.Below(2) == 0)
            {
                b.Move(20 + (i % 3), isTold: false);
            }

            b.Wake();
            Recovers(sim, a, b, Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>A NAT forgets its mapping while nothing passes.</summary>
    public static void NatBehindSilence(SimNetwork sim)
    {
        sim.DefaultLink = Line(sim);
        var a = sim.AddHost("a", 1, new SimPeer("b"));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        var nat = sim.AddNat(b, 2);
        IsUp(sim, a, b);
        for (var i = 0; i < 6; i++)
        {
            var dice = new SimDice(sim.Seed, "nat" + i);
            sim.Run(dice.UpTo(3 * Second));
            sim.Silence(a, b, isSilent: true);
            Talk(sim, a, b, dice.UpTo(6 * Second));
            nat.Rebind();
            sim.Silence(a, b, isSilent: false);
            Recovers(sim, a, b, Second);
        }

        IsSingle(sim, a, b);
    }

    /// <summary>One of three changes its network every ten seconds for an hour: nobody ever takes it for gone.</summary>
    public static void Roaming(SimNetwork sim)
    {
        sim.DefaultLink = Line(sim);
        var mesh = new SimMesh(sim, 3);
        mesh.Settle(5 * Second);
        var (roamer, other) = (mesh.Hosts[0], mesh.Hosts[1]);
        var since = (roamer.Peer(other.Name).ChangedNanos, other.Peer(roamer.Name).ChangedNanos);
        var arrived = sim.Ledger.Arrived;
        var sent = sim.Ledger.Sent;
        for (var i = 0; i < 360; i++)
        {
            roamer.Move(20 + (i % 100));
            for (var j = 0; j < 20; j++)
            {
                roamer.SendTo(other, 0);
                other.SendTo(roamer, 0);
                sim.Run(TimeSpan.FromMilliseconds(500));
            }
        }

        Assert.Equal(since, (roamer.Peer(other.Name).ChangedNanos, other.Peer(roamer.Name).ChangedNanos));

        // Of forty packets after each move at most four come too early.
        Assert.InRange(sim.Ledger.Arrived - arrived, (sim.Ledger.Sent - sent) * 90 / 100, sim.Ledger.Sent - sent);
        mesh.Settle(5 * Second);
    }

    /// <summary>Each node of a mesh is restarted in turn while all talk.</summary>
    public static void RollingRestart(SimNetwork sim) => RollingRestart(sim, 8);

    public static void RollingRestart(SimNetwork sim, int count)
    {
        sim.DefaultLink = Line(sim);
        var mesh = new SimMesh(sim, count);
        mesh.Settle(20 * Second);
        foreach (var host in mesh.Hosts)
        {
            host.Kill();
            mesh.Talk(1, TimeSpan.FromMilliseconds(200));
            host.Boot();
            var took = sim.Await(() => mesh.Hosts.TrueForAll(other => other == host || (host.IsUp(other) && other.IsUp(host))), 5 * Second);
            Assert.True(took <= 2 * Second, $"{host.Name} is back after {took}");
            mesh.Talk(1, TimeSpan.FromMilliseconds(200));
        }

        mesh.Settle(20 * Second);
        EverythingArrives(sim, mesh);
    }

    /// <summary>A mesh comes up at once, and a tenth of it is restarted at once.</summary>
    public static void LargeMesh(SimNetwork sim, int count)
    {
        sim.DefaultLink = Line(sim);
        var mesh = new SimMesh(sim, count);
        mesh.Settle(20 * Second);
        EverythingArrives(sim, mesh);
        for (var i = 0; i < mesh.Hosts.Count; i += 10)
        {
            mesh.Hosts[i].Kill();
        }

        mesh.Talk(1, Second);
        for (var i = 0; i < mesh.Hosts.Count; i += 10)
        {
            mesh.Hosts[i].Boot();
        }

        mesh.Settle(5 * Second);
        EverythingArrives(sim, mesh);
    }

    private static void EverythingArrives(SimNetwork sim, SimMesh mesh)
    {
        var (sent, arrived) = (sim.Ledger.Sent, sim.Ledger.Arrived);
        mesh.Talk(2, Second);
        Assert.Equal(sim.Ledger.Sent - sent, sim.Ledger.Arrived - arrived);
    }

    /// <summary>A peer is away for two hours: what is spent on it is little, and when it is back it is found.</summary>
    public static void AwayForHours(SimNetwork sim)
    {
        var (a, b) = Pair(sim, aKnowsB: true);
        b.Kill();
        sim.Run(TimeSpan.FromMinutes(1));
        var (attempts, turns) = (a.Peer("b").DialAttempts, sim.Turns);
        sim.Run(TimeSpan.FromHours(2));
        Assert.InRange(a.Peer("b").DialAttempts - attempts, 1200, 2000);
        Assert.InRange(sim.Turns - turns, 1, 40_000);
        b.Boot();
        Assert.NotNull(sim.Await(() => a.IsUp(b) && b.IsUp(a), 2 * Second));
        IsSingle(sim, a, b);
    }

    private static SimLink Line(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "line");
        return new SimLink { Delay = TimeSpan.FromMilliseconds(1 + dice.Below(50)), Jitter = TimeSpan.FromMilliseconds(dice.Below(5)) };
    }

    /// <summary>Two hosts that talk; b dials.</summary>
    private static (SimHost A, SimHost B) Pair(SimNetwork sim, bool aKnowsB)
    {
        sim.DefaultLink = Line(sim);
        var a = sim.AddHost("a", 1, new SimPeer("b", aKnowsB ? 2 : null));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        IsUp(sim, a, b);
        return (a, b);
    }

    private static void IsUp(SimNetwork sim, SimHost a, SimHost b)
    {
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 5 * Second));
        Talk(sim, a, b, 3 * Second);
    }

    private static void Talk(SimNetwork sim, SimHost a, SimHost b, TimeSpan time)
    {
        for (var end = sim.Now.Nanos + (ulong)time.TotalNanoseconds; sim.Now.Nanos < end;)
        {
            Exchange(a, b);
            sim.Run(Step);
        }
    }

    private static void Exchange(SimHost a, SimHost b)
    {
        if (a.IsRunning)
        {
            a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.2"));
        }

        if (b.IsRunning)
        {
            b.Send(0, TestPacket.Udp("10.42.0.2", "10.42.0.1"));
        }
    }

    /// <summary>Packets pass in both directions within a time.</summary>
    private static void Recovers(SimNetwork sim, SimHost a, SimHost b, TimeSpan within)
    {
        a.Delivered.Clear();
        b.Delivered.Clear();
        var start = sim.Now.Nanos;
        while (!IsFrom(a, 2) || !IsFrom(b, 1))
        {
            var took = (sim.Now.Nanos - start) / 1e6;
            Assert.True(
                took <= within.TotalMilliseconds,
                $"after {took} ms a has {a.Delivered.Count} packets and b {b.Delivered.Count}; {a.Peer("b").Condition} {a.Peer("b").Reason}, {b.Peer("a").Condition} {b.Peer("a").Reason}\n{string.Join("\n   ", a.Logger.Lines.TakeLast(8))}\nb: {string.Join("\n   ", b.Logger.Lines.TakeLast(8))}");
            Exchange(a, b);
            sim.Run(Step);
        }
    }

    /// <summary>Not an ICMP answer of its own node.</summary>
    private static bool IsFrom(SimHost host, byte number) => host.Delivered.Exists(delivered => delivered.Packet[9] == 17 && delivered.Packet[15] == number);

    /// <summary>When all is calm again one connection is left, at the latest when the idle timeout of those whose last word was lost is over.</summary>
    private static void IsSingle(SimNetwork sim, SimHost a, SimHost b)
    {
        Assert.True(
            sim.Await(() => a.Snapshot.Connections == 1 && b.Snapshot.Connections == 1 && a.IsUp(b) && b.IsUp(a), 35 * Second) is not null,
            $"a has {a.Snapshot.Connections} connections and b {b.Snapshot.Connections}; {a.Peer("b").Condition} {a.Peer("b").Reason}, {b.Peer("a").Condition} {b.Peer("a").Reason}\n{string.Join("\n   ", a.Logger.Lines.TakeLast(8))}\nb: {string.Join("\n   ", b.Logger.Lines.TakeLast(8))}");
        sim.Run(10 * Second);
        Assert.Equal((1, 1), (a.Snapshot.Connections, b.Snapshot.Connections));
        Assert.True(a.IsUp(b) && b.IsUp(a));
    }
}
