using System.Net;
using VibePN.Config;
using VibePN.Control;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>What a seed runs: each is a small world and what must hold in it, beside the rules that always hold.</summary>
internal static class Scenarios
{
    private const string Evil = "evil";
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static IReadOnlyDictionary<string, Action<SimNetwork>> All { get; } = new Dictionary<string, Action<SimNetwork>>
    {
        ["mesh"] = Mesh,
        ["two-networks"] = TwoNetworks,
        ["both-dial"] = BothDial,
        ["restarts"] = Restarts,
        ["restarts-one-way"] = RestartsOneWay,
        ["loss"] = Loss,
        ["partition"] = Partition,
        ["one-way-silence"] = OneWaySilence,
        ["nat"] = Nat,
        ["narrow"] = Narrow,
        ["reload"] = Reload,
        ["conflicts"] = Conflicts,
        ["hostile-addresses"] = HostileAddresses,
        ["hostile-routes"] = HostileRoutes,
        ["hostile-tags"] = HostileTags,
        ["hostile-sources"] = HostileSources,
        ["hostile-lists"] = HostileLists,
        ["hostile-bytes"] = HostileBytes,
        ["hello-and-gone"] = HelloAndGone,
        ["dialer-moves"] = RecoveryScenarios.DialerMoves,
        ["acceptor-moves"] = RecoveryScenarios.AcceptorMoves,
        ["silence"] = RecoveryScenarios.Silence,
        ["restart-one"] = RecoveryScenarios.RestartOne,
        ["restart-both"] = RecoveryScenarios.RestartBoth,
        ["sleep"] = RecoveryScenarios.Sleep,
        ["nat-behind-silence"] = RecoveryScenarios.NatBehindSilence,
        ["roaming"] = RecoveryScenarios.Roaming,
        ["rolling-restart"] = RecoveryScenarios.RollingRestart,
        ["away-for-hours"] = RecoveryScenarios.AwayForHours,
    };

    /// <summary>3 to 8 nodes that all dial one another at once.</summary>
    private static void Mesh(SimNetwork sim)
    {
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(5 + (sim.Seed % 50)), Jitter = TimeSpan.FromMilliseconds(3) };
        var mesh = new SimMesh(sim, 3 + (sim.Seed % 6));
        mesh.Settle(5 * Second);
        mesh.Talk(4, TimeSpan.FromMilliseconds(500));
        Assert.Equal(sim.Ledger.Sent, sim.Ledger.Arrived);
    }

    /// <summary>Everybody in one network, some in a second one: one connection for both, and no packet in the wrong one.</summary>
    private static void TwoNetworks(SimNetwork sim)
    {
        var mesh = new SimMesh(sim, 3 + (sim.Seed % 3), "corp", "lab");
        mesh.Settle(5 * Second);
        var single = sim.AddHost(
            "single",
            20,
            sim.Identity("single"),
            config => SimMesh.With(config, 20, "lab"),
            [.. mesh.Hosts.Select((host, i) => new SimPeer(host.Name, i + 1))]);
        mesh.Talk(4, TimeSpan.FromMilliseconds(200));
        sim.Run(Second);
        Assert.Equal(sim.Ledger.Sent, sim.Ledger.Arrived);

        // A stranger to all of them: nobody told it anything.
        Assert.All(mesh.Hosts, host => Assert.False(single.IsUp(host)));
        Assert.Empty(single.Delivered);
    }

    /// <summary>Two nodes dial each other at almost the same moment.</summary>
    private static void BothDial(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "both-dial");
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(1 + dice.Below(60)), Jitter = TimeSpan.FromMilliseconds(dice.Below(5)) };
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        sim.Run(dice.UpTo(TimeSpan.FromMilliseconds(900)));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        var took = sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 10 * Second);
        Assert.True(took < 2 * Second, $"up after {took}");
        var since = (a.Peer("b").ChangedNanos, b.Peer("a").ChangedNanos);
        for (var i = 0; i < 100; i++)
        {
            a.SendTo(b, 0);
            b.SendTo(a, 0);
            sim.Run(TimeSpan.FromMilliseconds(100));
        }

        sim.Run(5 * Second);
        Assert.Equal(since, (a.Peer("b").ChangedNanos, b.Peer("a").ChangedNanos));
        Assert.Equal((1, 1), (a.Snapshot.Connections, b.Snapshot.Connections));
        Assert.Equal(200, sim.Ledger.Arrived);
    }

    /// <summary>Nodes die and come back at random moments; at the end all are connected and talk.</summary>
    private static void Restarts(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "restarts");
        var mesh = new SimMesh(sim, 3 + (sim.Seed % 3));
        for (var i = 0; i < 12; i++)
        {
            sim.Run(dice.UpTo(TimeSpan.FromMilliseconds(1500)));
            var host = mesh.Hosts[dice.Below(mesh.Hosts.Count)];
            host.Kill();
            sim.Run(dice.UpTo(TimeSpan.FromMilliseconds(i % 2 == 0 ? 30 : 1000)));
            host.Boot();
        }

        mesh.Settle(40 * Second);
        var (sent, arrived) = (sim.Ledger.Sent, sim.Ledger.Arrived);
        mesh.Talk(2, Second);
        Assert.Equal(sim.Ledger.Sent - sent, sim.Ledger.Arrived - arrived);
    }

    /// <summary>Only one side can dial, over a bad line, and the other dies at moments when a connection is just arising.</summary>
    private static void RestartsOneWay(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "one-way");
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(20), Jitter = TimeSpan.FromMilliseconds(20), Loss = 0.2 };
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a"));
        for (var i = 0; i < 15; i++)
        {
            sim.Run(dice.UpTo(TimeSpan.FromMilliseconds(400)));
            b.Kill();
            sim.Run(dice.UpTo(TimeSpan.FromMilliseconds(300)));
            b.Boot();
        }

        Assert.True(sim.Await(() => a.IsUp(b) && b.IsUp(a), 40 * Second) is not null, $"never up again: {a.Peer("b").Condition}, {a.Peer("b").Reason}");
    }

    /// <summary>Every third packet is lost, some come twice or late.</summary>
    private static void Loss(SimNetwork sim)
    {
        sim.DefaultLink = new SimLink
        {
            Delay = TimeSpan.FromMilliseconds(20),
            Jitter = TimeSpan.FromMilliseconds(10),
            Loss = 0.3,
            Duplication = 0.05,
            Reordering = 0.1,
        };
        var mesh = new SimMesh(sim, 3);
        Assert.NotNull(sim.Await(mesh.IsUp, 60 * Second));
        mesh.Talk(20, TimeSpan.FromMilliseconds(250));
        sim.Run(5 * Second);
        Assert.InRange(sim.Ledger.Arrived, sim.Ledger.Sent * 4 / 10, sim.Ledger.Sent);
        sim.DefaultLink = new SimLink();
        mesh.Settle(30 * Second);
    }

    /// <summary>The mesh falls into two halves for a while.</summary>
    private static void Partition(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "partition");
        var mesh = new SimMesh(sim, 4 + (sim.Seed % 3));
        mesh.Settle(5 * Second);
        void Between(bool isUp)
        {
            foreach (var one in mesh.Hosts.Take(2))
            {
                foreach (var other in mesh.Hosts.Skip(2))
                {
                    sim.SetLinks(one, other, new SimLink { IsUp = isUp });
                }
            }
        }

        Between(false);
        for (var left = 2 + dice.Below(60); left > 0; left--)
        {
            mesh.Talk(1, Second);
        }

        Between(true);
        mesh.Settle(30 * Second);
        var (sent, arrived) = (sim.Ledger.Sent, sim.Ledger.Arrived);
        mesh.Talk(2, Second);
        Assert.Equal(sim.Ledger.Sent - sent, sim.Ledger.Arrived - arrived);
    }

    /// <summary>One direction goes dark while the other carries on: both notice within 30 s, and come back with the line.</summary>
    private static void OneWaySilence(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "one-way-silence");
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(5 + dice.Below(40)) };
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 5 * Second));
        sim.Run(dice.UpTo(25 * Second));
        var (from, to) = sim.Seed % 2 == 0 ? (a, b) : (b, a);
        sim.SetLink(from, to, new SimLink { IsUp = false });
        var noticed = sim.Await(
            () =>
            {
                // What still arrives must not keep the connection: nobody answers it.
                to.SendTo(from, 0);
                return !a.IsUp(b) && !b.IsUp(a);
            },
            60 * Second);
        Assert.True(noticed <= 31 * Second, $"noticed after {noticed}");
        sim.SetLink(from, to, new SimLink { Delay = TimeSpan.FromMilliseconds(20) });
        var back = sim.Await(() => a.IsUp(b) && b.IsUp(a), 30 * Second);
        Assert.True(back <= 12 * Second, $"back after {back}");
        sim.Run(5 * Second);
        Flows(sim, a, b);
    }

    /// <summary>The dialer's NAT forgets its mapping under traffic: the connection moves, nothing ends.</summary>
    private static void Nat(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "nat");
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(5 + dice.Below(40)) };
        var a = sim.AddHost("a", 1, new SimPeer("b"));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        var nat = sim.AddNat(b, 2);
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 5 * Second));
        var since = a.Peer("b").ChangedNanos;
        for (var rebinding = 0; rebinding < 5; rebinding++)
        {
            sim.Run(dice.UpTo(Second));
            nat.Rebind();
            var arrived = sim.Ledger.Arrived;
            for (var i = 0; i < 30; i++)
            {
                b.SendTo(a, 0);
                a.SendTo(b, 0);
                sim.Run(TimeSpan.FromMilliseconds(100));
            }

            // All of b's; of a's those after a has seen the new address.
            Assert.InRange(sim.Ledger.Arrived - arrived, 45, 60);
        }

        Assert.Equal(since, a.Peer("b").ChangedNanos);
        Assert.Equal((1, 1), (a.Snapshot.Connections, b.Snapshot.Connections));
        Assert.Equal(nat.Mapping, b.Peer("a").ObservedAt is { } seen && sim.Await(() => nat.Mapping.Equals(b.Peer("a").ObservedAt), 25 * Second) is null ? seen : nat.Mapping);
    }

    /// <summary>More than the line carries: the queue stays within its limit, what waits arrives, and the connection lives.</summary>
    private static void Narrow(SimNetwork sim)
    {
        sim.DefaultLink = new SimLink
        {
            Delay = TimeSpan.FromMilliseconds(10),
            BytesPerSecond = 250_000,
            QueueBytes = 32 * 1024,
            MaxUdpBytes = 1240 + (sim.Seed % 3 * 100),
        };
        var a = sim.AddHost("a", 1, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, new SimPeer("a", 1));
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 5 * Second));
        sim.Run(6 * Second);
        var since = a.Peer("b").ChangedNanos;
        for (var i = 0; i < 2_000; i++)
        {
            a.SendTo(b, 0, 1000);
            if (i % 10 == 0)
            {
                sim.Run(TimeSpan.FromMilliseconds(10));
            }
        }

        sim.Run(20 * Second);
        Assert.InRange(sim.Ledger.Arrived, 600, 2_000);
        Assert.Equal(0, a.Peer("b").QueueBytes);
        Assert.Equal(since, a.Peer("b").ChangedNanos);
    }

    /// <summary>
    /// Every node's config changes again and again while all talk: networks come and go, peers too. No packet is ever in the wrong network,
    /// pairs that were not concerned keep their connection, and in the end all is as the last configs say.
    /// </summary>
    private static void Reload(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "reload");
        sim.DefaultLink = new SimLink { Delay = TimeSpan.FromMilliseconds(5 + dice.Below(30)), Jitter = TimeSpan.FromMilliseconds(10), Loss = sim.Seed % 2 * 0.05 };
        string[][] choices = [["corp"], ["corp", "lab"], ["corp", "lab", "test"], ["corp", "test"]];
        var mesh = new SimMesh(sim, 3 + (sim.Seed % 3), "corp", "lab");
        Assert.NotNull(sim.Await(mesh.IsUp, 20 * Second));
        var full = mesh.Hosts.ToDictionary(host => host, host => host.Config.Peers);

        // These two never lose each other from their configs.
        var (one, two) = (mesh.Hosts[0], mesh.Hosts[1]);
        sim.Run(15 * Second);
        var since = one.Peer(two.Name).ChangedNanos;
        for (var round = 0; round < 30; round++)
        {
            var index = dice.Below(mesh.Hosts.Count);
            var host = mesh.Hosts[index];
            var networks = choices[dice.Below(choices.Length)];
            var leaveOut = dice.Below(4) == 0 ? mesh.Hosts[2 + dice.Below(mesh.Hosts.Count - 2)].Name : null;
            host.Apply(config => SimMesh.With(
                config with { Peers = [.. full[host].Where(peer => index >= 2 || peer.Name != leaveOut)] },
                index + 1,
                networks));
            for (var i = 0; i < 3; i++)
            {
                foreach (var other in mesh.Hosts.Where(other => other != host))
                {
                    foreach (var network in host.Config.Networks.Select(network => network.Name).Where(name => other.Config.Networks.Any(theirs => theirs.Name == name)))
                    {
                        host.SendTo(other, host.Config.Networks.ToList().FindIndex(own => own.Name == network), v6: i == 1);
                        other.SendTo(host, other.Config.Networks.ToList().FindIndex(own => own.Name == network), v6: i == 1);
                    }
                }

                sim.Run(dice.UpTo(TimeSpan.FromMilliseconds(200)));
            }
        }

        Assert.Equal(since, one.Peer(two.Name).ChangedNanos);
        sim.DefaultLink = new SimLink();
        foreach (var (index, host) in mesh.Hosts.Index())
        {
            host.Apply(config => SimMesh.With(config with { Peers = full[host] }, index + 1, "corp", "test"));
        }

        mesh.Settle(30 * Second);
        var (sent, arrived) = (sim.Ledger.Sent, sim.Ledger.Arrived);
        mesh.Talk(2, Second);
        Assert.Equal(sim.Ledger.Sent - sent, sim.Ledger.Arrived - arrived);
    }

    /// <summary>Automatic addresses in a prefix that is almost too small: everybody ends with an own one.</summary>
    private static void Conflicts(SimNetwork sim)
    {
        var names = Enumerable.Range(1, 5).Select(number => $"c{sim.Seed % 10}-{number}").ToArray();
        var hosts = names.Select((name, i) => sim.AddHost(
            name,
            i + 1,
            sim.Identity(name),
            config => config with { Networks = [config.Networks[0] with { Prefixes = [IPNetwork.Parse("10.42.0.0/28")], Addresses = [null] }] },
            [.. names.Select((other, j) => new SimPeer(other, j + 1)).Where(peer => peer.Name != name)])).ToList();
        sim.Run(15 * Second);
        var addresses = hosts.Select(host => host.Snapshot.Networks[0].OwnAddresses[0]).ToList();
        Assert.Equal(hosts.Count, addresses.Distinct().Count());
        foreach (var one in hosts)
        {
            foreach (var other in hosts.Where(host => host != one))
            {
                one.SendTo(other, 0);
            }
        }

        sim.Run(2 * Second);
        Assert.Equal(sim.Ledger.Sent, sim.Ledger.Arrived);
    }

    /// <summary>A trusted peer claims what is not its to have, in its list of addresses.</summary>
    private static void HostileAddresses(SimNetwork sim)
    {
        var (a, b, evil) = WithEvil(sim);
        evil.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.2", "10.42.0.1", "10.42.0.0", "10.42.0.255", "10.99.0.1", "10.42.0.66");
        var verdicts = a.Snapshot.Networks[0].Routes.Where(route => route.Peer == evil.Id).ToDictionary(route => route.Prefix.ToString(), route => route.Verdict);
        Assert.True(verdicts["10.42.0.2/32"] is RouteVerdict.AddressInUse or RouteVerdict.AddressRemembered);
        Assert.Equal(RouteVerdict.OwnAddress, verdicts["10.42.0.1/32"]);
        Assert.Equal(RouteVerdict.ReservedAddress, verdicts["10.42.0.0/32"]);
        Assert.Equal(RouteVerdict.ReservedAddress, verdicts["10.42.0.255/32"]);
        Assert.Equal(RouteVerdict.NotAllowed, verdicts["10.99.0.1/32"]);
        Assert.Equal(RouteVerdict.Used, verdicts["10.42.0.66/32"]);
        Assert.Equal(5, a.Logger.Lines.Count(line => line.Contains(Evil, StringComparison.Ordinal) && line.Contains("corp", StringComparison.Ordinal)));
        Assert.Contains(evil.Messages.OfType<AddressInUse>(), told => told.Address == IpKey.FromIPAddress(IPAddress.Parse("10.42.0.2")));
        Flows(sim, a, b);
    }

    /// <summary>A trusted peer announces another's address, the whole network, the Internet, and 10,000 prefixes.</summary>
    private static void HostileRoutes(SimNetwork sim)
    {
        var (a, b, evil) = WithEvil(sim);
        evil.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        string[] wanted = ["10.42.0.2/32", "10.42.0.0/32", "10.42.0.0/24", "10.42.0.0/25", "10.0.0.0/8", "0.0.0.0/0", "::/0", "fd42::2/128"];
        evil.Say(new Announce("corp", [.. wanted.Select(prefix => new RouteOffer(Prefix.FromIPNetwork(IPNetwork.Parse(prefix)), 0, 0))]));
        sim.Run(Second);
        var routes = a.Snapshot.Networks[0].Routes.Where(route => route.Peer == evil.Id && route.Source == RouteSource.Announced).ToList();
        Assert.Equal(wanted.Length, routes.Count);
        Assert.All(routes, route => Assert.False(route.IsUsed));
        Flows(sim, a, b);

        for (var i = 0; i < 500; i++)
        {
            evil.Say(new PeerError(CloseReason.None, "noise"));
            evil.Say(new Announce("corp", [new RouteOffer(Prefix.FromIPNetwork(IPNetwork.Parse("10.7.0.0/16")), (uint)i, 0)]));
        }

        sim.Run(Second);

        // 1,000 in a message: the second one is beyond the limit, and ends this connection alone.
        for (var message = 0; message < 10; message++)
        {
            evil.Say(new Announce("corp", [.. Enumerable.Range(0, 1000).Select(i => new RouteOffer(new Prefix(IpKey.FromIPAddress(new IPAddress([172, (byte)message, (byte)(i >> 8), (byte)i])), 32), 0, 0))]));
        }

        sim.Run(2 * Second);
        Assert.Equal((ulong)CloseReason.LimitExceeded, evil.Closed?.ErrorCode);
        Assert.All(a.Snapshot.Networks[0].Routes.Where(route => route.Peer == evil.Id), route => Assert.True(route is { IsUsed: false, IsFormer: true }));
        Assert.InRange(a.Snapshot.Networks[0].Routes.Count(route => route.Peer == evil.Id), 1, Limits.FormerRoutesPerPeerAndNetwork);
        Assert.InRange(a.Logger.Lines.Count, 1, 200);
        Flows(sim, a, b);
    }

    /// <summary>A trusted peer guesses the tags of a network it was not told of.</summary>
    private static void HostileTags(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "tags");
        var (a, b, evil) = WithEvil(sim, "corp", "lab");
        evil.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66", "10.42.0.67");
        Assert.DoesNotContain(evil.Messages.OfType<NetworkList>().SelectMany(list => list.Networks), offer => offer.Name == "lab");
        var right = evil.TagOf("corp");
        var before = sim.Ledger.Arrived;
        var allowed = 0;
        for (var i = 0; i < 300; i++)
        {
            var tag = i < 100 ? (ulong)i : (ulong)dice.Below(int.MaxValue);
            var isRight = tag == right;
            allowed += isRight ? 1 : 0;
            evil.SendPacket(tag, sim.Ledger.Stamp("corp", "10.42.0.66", "10.42.0.1", mayArrive: isRight));
            evil.SendPacket(tag, sim.Ledger.Stamp("lab", "10.43.0.66", "10.43.0.1", mayArrive: false));
            evil.SendPacket(tag, sim.Ledger.Stamp("lab", "10.43.0.2", "10.43.0.1", mayArrive: false));
            sim.Run(TimeSpan.FromMilliseconds(5));
        }

        sim.Run(Second);
        Assert.Equal(allowed, sim.Ledger.Arrived - before);
        Assert.True(a.Snapshot.Drops[DropReason.InUnknownTag] >= 800);
        Flows(sim, a, b);
    }

    /// <summary>A trusted peer sends from addresses that are not its own.</summary>
    private static void HostileSources(SimNetwork sim)
    {
        var (a, b, evil) = WithEvil(sim);
        evil.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        var tag = evil.TagOf("corp");
        string[] forged = ["10.42.0.2", "10.42.0.1", "10.42.0.67", "0.0.0.0", "127.0.0.1", "255.255.255.255"];
        foreach (var source in forged)
        {
            evil.SendPacket(tag, sim.Ledger.Stamp("corp", source, "10.42.0.1", mayArrive: false));
        }

        foreach (var source in new[] { "fd42::2", "fd42::1", "::1", "::ffff:10.42.0.66" })
        {
            evil.SendPacket(tag, sim.Ledger.Stamp("corp", source, "fd42::1", mayArrive: false));
        }

        sim.Run(Second);
        Assert.Equal(10UL, a.Snapshot.Drops[DropReason.InSourceNotOwned]);
        Flows(sim, a, b);
    }

    /// <summary>A peer changes its list of networks while packets flow.</summary>
    private static void HostileLists(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "lists");
        var (a, b, evil) = WithEvil(sim);
        evil.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        for (ulong round = 0; round < 20; round++)
        {
            switch (dice.Below(3))
            {
                case 0:
                    evil.SayNetworks();
                    break;
                case 1:
                    evil.SayNetworks(("corp", "10.42.0.0/24", 100 + round, ["10.42.0.66"]));
                    break;
                default:
                    evil.SayNetworks(("corp", "10.77.0.0/24", 100 + round, ["10.77.0.66"]), ("other", "10.42.0.0/24", 200 + round, ["10.42.0.2"]));
                    break;
            }

            sim.Run(TimeSpan.FromMilliseconds(50));
            evil.Datagrams.Clear();
            a.Send(0, TestPacket.Udp("10.42.0.1", "10.42.0.66"));
            sim.Run(TimeSpan.FromMilliseconds(50));
            var isJoined = a.Snapshot.Networks[0].Routes.Any(route => route.IsUsed && route.Peer == evil.Id);
            Assert.Equal(isJoined ? 1 : 0, evil.Datagrams.Count);
            Assert.All(evil.Datagrams, datagram =>
            {
                Assert.True(VarInt.TryRead(datagram, out var tag) > 0);
                Assert.Equal(100 + round, tag);
            });
            Flows(sim, a, b);
        }

        // A tag twice in one connection ends it, and it alone.
        evil.SayNetworks(("corp", "10.42.0.0/24", 9, ["10.42.0.66"]));
        sim.Run(2 * Second);
        Assert.Equal((ulong)CloseReason.Malformed, evil.Closed?.ErrorCode);
        Flows(sim, a, b);
    }

    /// <summary>A trusted peer sends noise: as datagrams, fragments and on the control stream.</summary>
    private static void HostileBytes(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "bytes");
        var (a, b, evil) = WithEvil(sim);
        evil.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        var tag = (byte)evil.TagOf("corp");
        for (var i = 0; i < 300; i++)
        {
            var bytes = new byte[dice.Below(200)];
            foreach (ref var one in bytes.AsSpan())
            {
                one = (byte)dice.Below(256);
            }

            if (bytes.Length > 8 && i % 2 == 0)
            {
                bytes[0] = tag;
                bytes[1] = (byte)(i % 4 == 0 ? 2 : 0);
                bytes[4] &= 0x03;
                bytes[6] &= 0x1f;
            }

            evil.SendDatagram(bytes);
            if (i % 10 == 0)
            {
                sim.Run(TimeSpan.FromMilliseconds(5));
            }
        }

        sim.Run(Second);
        Assert.Null(evil.Closed);
        for (var i = 0; i < 10; i++)
        {
            evil.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
            var noise = new byte[50];
            foreach (ref var one in noise.AsSpan())
            {
                one = (byte)dice.Below(256);
            }

            noise[0] = (byte)(1 + (i % 9));
            noise[1] = (byte)dice.Below(49);
            evil.SayBytes(noise);
            sim.Run(Second);
        }

        Flows(sim, a, b);
    }

    /// <summary>A peer says Hello and dies before it tells its networks: it is dialed again.</summary>
    private static void HelloAndGone(SimNetwork sim)
    {
        var dice = new SimDice(sim.Seed, "hello");
        var a = sim.AddHost("a", 1, new SimPeer(Evil, 66));
        var evil = new RawPeer(sim, Evil, 66);
        for (var life = 1; life <= 4; life++)
        {
            Assert.True(sim.RunUntil(() => evil.Accepted == life && evil.Messages.OfType<NetworkList>().Any() is false && evil.Messages.Count > 0, 15 * Second) is not null, $"not dialed a {life}. time");
            evil.Say(new Hello(Guid.NewGuid(), Evil, [], null, 9000, false));
            sim.Run(TimeSpan.FromMilliseconds(20 + dice.Below(200)));
            evil.Connection!.Close((ulong)CloseReason.Goodbye, "gone");
        }

        Assert.False(a.Peer(Evil).Condition == PeerCondition.Up);
    }

    /// <summary>Two nodes that are up, and a trusted peer in their first network that is no node.</summary>
    private static (SimHost A, SimHost B, RawPeer Evil) WithEvil(SimNetwork sim, params string[] networks)
    {
        networks = networks.Length == 0 ? ["corp"] : networks;
        NodeConfig Change(NodeConfig config, int number)
        {
            var changed = SimMesh.With(config, number, networks);
            return changed with { Peers = [.. changed.Peers.Select(peer => peer.Name == Evil ? peer with { Networks = [networks[0]] } : peer)] };
        }

        var a = sim.AddHost("a", 1, sim.Identity("a"), config => Change(config, 1), new SimPeer("b", 2), new SimPeer(Evil));
        var b = sim.AddHost("b", 2, sim.Identity("b"), config => Change(config, 2), new SimPeer("a", 1), new SimPeer(Evil));
        var evil = new RawPeer(sim, Evil, 66);
        Assert.NotNull(sim.RunUntil(() => a.IsUp(b) && b.IsUp(a), 5 * Second));
        sim.Run(2 * Second);
        return (a, b, evil);
    }

    /// <summary>What the two nodes say to each other arrives, all of it.</summary>
    private static void Flows(SimNetwork sim, SimHost a, SimHost b)
    {
        var arrived = sim.Ledger.Arrived;
        for (var network = 0; network < a.Config.Networks.Count; network++)
        {
            a.SendTo(b, network);
            b.SendTo(a, network, v6: true);
        }

        sim.Run(TimeSpan.FromMilliseconds(200));
        Assert.Equal(arrived + (2 * a.Config.Networks.Count), sim.Ledger.Arrived);
    }
}
