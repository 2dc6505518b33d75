using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>A node's key changes, and it stays the same node; nobody else becomes it.</summary>
public sealed class KeyTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public void Rotation_InAMeshUnderTraffic_NothingIsLost(int seed, int rotating)
    {
        using var sim = new SimNetwork(seed);
        var hosts = Mesh(sim);
        Talk(sim, hosts, 10);

        // Twice in a row: the second while the first may still be under way.
        var identity = sim.Identity(hosts[rotating].Name);
        foreach (var name in new[] { "second", "third" })
        {
            identity = identity.Succeed(name, sim.Now.UtcSeconds + 60);
            hosts[rotating].ChangeKey(identity);
            Talk(sim, hosts, name == "second" ? 100 : 400);
        }

        Assert.Equal(sim.Ledger.Sent, sim.Ledger.Arrived);
        foreach (var other in hosts.Where(host => host != hosts[rotating]))
        {
            var lineage = Assert.Single(other.OnDisk.Trust.Lineages);
            Assert.Equal(identity.Node.Lineage.Members, lineage.Members);
            Assert.Equal(hosts[rotating].Id, other.Peer(hosts[rotating].Name).Id);
            Assert.Equal(2, other.Snapshot.Connections);
        }
    }

    /// <summary>The rotated node, and then the ones that saw it, start anew; nobody has touched a config.</summary>
    [Fact]
    public void Rotated_AndAllRestarted_AreUpWithTheOldPins()
    {
        using var sim = new SimNetwork(1);
        var hosts = Mesh(sim);
        var id = hosts[0].Id;
        hosts[0].Kill();
        hosts[0].ChangeKey(sim.Identity("a").Succeed("a2", sim.Now.UtcSeconds + 60));
        hosts[0].Boot();
        Assert.Equal(id, hosts[0].Id);
        Assert.NotNull(sim.RunUntil(() => AllUp(hosts), 60 * Second));
        foreach (var host in hosts)
        {
            host.Kill();
            sim.Run(Second);
            host.Boot();
            Assert.NotNull(sim.RunUntil(() => AllUp(hosts), 60 * Second));
        }
    }

    /// <summary>The longest chain, shown for the first time to one who knows the first key only, and remembered across files.</summary>
    [Fact]
    public void EightRotations_ShownAtOnce_AreAcceptedAndWrittenDown()
    {
        using var sim = new SimNetwork(1);
        var (hub, node, identity) = Pair(sim);
        node.Kill();
        for (var i = 1; i <= VibePN.Identity.Lineage.MaxSuccessions; i++)
        {
            identity = identity.Succeed($"node after {i}", sim.Now.UtcSeconds + 60);
        }

        Restart(node, identity);
        Assert.NotNull(sim.RunUntil(() => node.IsUp(hub) && hub.OnDisk.Trust.Lineages.Count == 1, 60 * Second));
        using var folder = new TemporaryDirectory();
        new NodeTrustFile(folder.Path).Save(hub.OnDisk.Trust);
        var read = Assert.Single(new NodeTrustFile(folder.Path).Load(out var problem).Lineages);
        Assert.Null(problem);
        Assert.Equal(identity.Node.Lineage.Members, read.Members);
        Assert.Equal(identity.Node.Lineage.OverlapEnds, read.OverlapEnds);

        // A ninth is more than is read.
        Assert.Throws<VibePN.Identity.IdentityException>(() => identity.Succeed("node after 9", sim.Now.UtcSeconds + 60));
    }

    /// <summary>Where an interrupted rotation has replaced the certificate and not yet the key.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Files_OfAnInterruptedRotation_GiveTheKeyOfTheCertificate(bool isCertificateNew)
    {
        var before = TestIdentity.Get("interrupted");
        var after = before.Succeed("interrupted2", 5000);
        using var folder = new TemporaryDirectory();
        var config = new VibePN.Config.IdentityConfig
        {
            CertPath = Path.Combine(folder.Path, "node.crt"),
            KeyPath = Path.Combine(folder.Path, "node.key"),
            Fingerprint = before.Node.Id,
        };
        File.WriteAllBytes(config.CertPath, (isCertificateNew ? after : before).Node.CertificatePem.ToArray());
        foreach (var (path, key) in new[] { (config.KeyPath, before), (config.KeyPath + VibePN.Identity.NodeIdentity.NextSuffix, after) })
        {
            File.WriteAllBytes(path, key.Node.KeyPem.ToArray());
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        var loaded = VibePN.Identity.NodeIdentity.Load(config);
        Assert.Equal((isCertificateNew ? after : before).Node.KeyPem.ToArray(), loaded.KeyPem.ToArray());
        Assert.Equal(before.Node.Id, loaded.Id);
    }

    [Fact]
    public void OldKey_DuringTheOverlapAccepted_AfterItRefused()
    {
        using var sim = new SimNetwork(1);
        var (hub, node, old) = Pair(sim);
        node.ChangeKey(old.Succeed("node2", sim.Now.UtcSeconds + 60));
        sim.Run(10 * Second);
        Assert.Single(hub.OnDisk.Trust.Lineages);

        Restart(node, old);
        Assert.NotNull(sim.RunUntil(() => node.IsUp(hub), 10 * Second));
        sim.Run(60 * Second);
        Restart(node, old);
        sim.Run(30 * Second);

        Assert.False(hub.IsUp(node));
        Assert.Equal(PeerCondition.RefusedByPeer, node.Peer("hub").Condition);
        Assert.Contains(hub.Logger.Lines, line => line.Contains("the overlap is over", StringComparison.Ordinal));
        Assert.Contains("successor", node.Peer("hub").Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unrelated", "no peer has this fingerprint")]
    [InlineData("signed by another", "forged")]
    [InlineData("copied", "forged")]
    [InlineData("second successor", "another successor")]
    [InlineData("old key behind a made-up one", "forged")]
    [InlineData("successor without those before", "forged")]
    [InlineData("old key behind a peer's", "keys of two peers")]
    [InlineData("old key behind a rotated peer's", "keys of two peers")]
    public void Key_ThatIsNoSuccessor_IsRefused(string what, string reason)
    {
        using var sim = new SimNetwork(1);
        var (hub, node, old) = Pair(sim);
        var end = sim.Now.UtcSeconds + 600;
        node.ChangeKey(old.Succeed("node2", end));
        sim.Run(10 * Second);
        var evil = sim.Identity("evil");
        if (what == "old key behind a rotated peer's")
        {
            evil = evil.Succeed("evil2", end);
            Evil(sim).ChangeKey(evil);
            sim.Run(10 * Second);
            Assert.Equal(2, hub.OnDisk.Trust.Lineages.Count);
        }

        var before = hub.OnDisk.Trust;

        var thief = sim.Identity("thief");
        node.Kill();
        sim.Run(20 * Second);
        node.ChangeKey(what switch
        {
            "signed by another" => old.Succeed("thief", end, signer: thief),
            "copied" => old.Succeed("thief", end, signer: old, damage: _ => SignedFor(old, "node2", end)),
            "second successor" => old.Succeed("thief", end),
            "old key behind a made-up one" => thief.Succeed("node", end, isBound: false),
            "successor without those before" => Alone(old.Succeed("node2", end)),
            "old key behind a peer's" or "old key behind a rotated peer's" => evil.Succeed("node", end, isBound: false),
            _ => thief,
        });
        node.Boot();
        sim.Run(30 * Second);

        Assert.False(hub.IsUp(node));
        Assert.Contains(hub.Logger.Lines, line => line.Contains(reason, StringComparison.Ordinal));
        Assert.Equal(before.Lineages.Select(one => one.ToString()), hub.OnDisk.Trust.Lineages.Select(one => one.ToString()));
    }

    /// <summary>Nobody can put a key before the one that is pinned: who is first decides between two nodes.</summary>
    [Fact]
    public void Chain_ThatBeginsBeforeThePinnedKey_IsRefused()
    {
        using var sim = new SimNetwork(1);
        var (hub, node, old) = Pair(sim);
        Restart(node, TestIdentity.Get("made up").Succeed("node", sim.Now.UtcSeconds + 600, isBound: false));
        sim.Run(30 * Second);
        Assert.False(hub.IsUp(node));
        Assert.Empty(hub.OnDisk.Trust.Lineages);

        // Where it is true, the later key may be the one in the config, also before anybody has shown it.
        var successor = old.Succeed("node2", sim.Now.UtcSeconds + 600);
        hub.Apply(config => Repin(config, "node", successor));
        Restart(node, successor);
        Assert.NotNull(sim.RunUntil(() => hub.Peer("node").Condition == PeerCondition.Up, 60 * Second));
    }

    [Fact]
    public void Connection_WithTheOldKey_EndsWithTheOverlap()
    {
        using var sim = new SimNetwork(1);
        var (hub, node, old) = Pair(sim);
        node.ChangeKey(old.Succeed("node2", sim.Now.UtcSeconds + 100));
        sim.Run(10 * Second);
        Restart(node, old);
        Assert.NotNull(sim.RunUntil(() => node.IsUp(hub), 10 * Second));
        sim.Run(60 * Second);
        Assert.True(hub.IsUp(node));
        sim.Run(35 * Second);

        Assert.False(hub.IsUp(node));
        Assert.Contains(hub.Logger.Lines, line => line.Contains("made with its key ends", StringComparison.Ordinal));
        Assert.Contains("successor", node.Peer("hub").Reason, StringComparison.Ordinal);
    }

    /// <summary>A peer that does not take the new key stays on the connection of before, is tried again, and is let go with the overlap.</summary>
    [Fact]
    public void Peer_ThatCannotBeMoved_StaysUntilTheOverlapEnds()
    {
        using var sim = new SimNetwork(1);
        var (hub, node, old) = Pair(sim);
        var attempts = node.Peer("hub").DialAttempts;
        node.ChangeKey(Alone(old.Succeed("node2", sim.Now.UtcSeconds + 700)));
        sim.Run(100 * Second);
        Assert.True(hub.IsUp(node) && node.IsUp(hub));
        var first = node.Peer("hub").DialAttempts;
        Assert.InRange(first, attempts + 1, attempts + 20);
        sim.Run(550 * Second);
        Assert.True(hub.IsUp(node) && node.IsUp(hub));
        Assert.InRange(node.Peer("hub").DialAttempts, first + 1, first + 40);
        sim.Run(60 * Second);
        Assert.False(hub.IsUp(node) || node.IsUp(hub));
        Assert.Contains(node.Logger.Lines, line => line.Contains("made with our key ends", StringComparison.Ordinal));
    }

    /// <summary>What was under way with the old key when it changed does not come up.</summary>
    [Fact]
    public void Attempt_UnderWayWhileTheKeyChanges_IsNotFinishedWithTheOldOne()
    {
        using var sim = new SimNetwork(1);
        var (hub, node, old) = Pair(sim);
        hub.Kill();
        sim.Run(60 * Second);
        var attempts = node.Peer("hub").DialAttempts;
        Assert.NotNull(sim.RunUntil(() => node.Peer("hub").DialAttempts > attempts, 60 * Second));
        hub.Boot();
        var ups = node.Snapshot.Handshakes["up"];
        node.ChangeKey(old.Succeed("node2", sim.Now.UtcSeconds + 600));
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(node), 60 * Second));
        sim.Run(5 * Second);
        Assert.Single(hub.OnDisk.Trust.Lineages);
        Assert.Equal(ups + 1, node.Snapshot.Handshakes["up"]);
    }

    /// <summary>The config of the others names the new key now, and then the old one again: nothing of it is seen.</summary>
    [Fact]
    public void Pin_OfAnotherKeyOfTheSameNode_TouchesNoConnection()
    {
        using var sim = new SimNetwork(1);
        var hosts = Mesh(sim);
        var old = sim.Identity("a");
        var successor = old.Succeed("a2", sim.Now.UtcSeconds + 600);
        hosts[0].ChangeKey(successor);
        sim.Run(10 * Second);
        Talk(sim, hosts, 10);
        var since = hosts[1].Peer("a").ChangedNanos;
        foreach (var identity in new[] { successor, old, successor })
        {
            foreach (var other in hosts.Skip(1))
            {
                _ = other.Apply(config => Repin(config, "a", identity));
            }

            Talk(sim, hosts, 50);
        }

        Assert.Equal(sim.Ledger.Sent, sim.Ledger.Arrived);
        Assert.Equal(since, hosts[1].Peer("a").ChangedNanos);
        Assert.DoesNotContain(hosts[1].Logger.Lines, line => line.Contains("removed from the config", StringComparison.Ordinal));

        // And with the new pin alone it starts anew as the same peer.
        hosts[1].Kill();
        hosts[1].Boot();
        Assert.NotNull(sim.RunUntil(() => AllUp(hosts), 60 * Second));
        Assert.Equal(old.Node.Id, hosts[1].Peer("a").Id);
    }

    /// <summary>1,000 statements, each with a bit, a length or its end changed: none extends the lineage, none ends the process.</summary>
    [Fact]
    public void Statement_Mutated1000Times_IsRefused()
    {
        var old = TestIdentity.Get("mutant");
        var statement = SignedFor(old, "mutant2", 5000);
        var current = old.Succeed("mutant2", 5000, damage: value => value).First!;
        Assert.Equal([old.Node.Id, PeerId.OfCertificate(current)], Read(statement)!.Members);
        var dice = new Random(20_261_123);
        for (var i = 0; i < 1000; i++)
        {
            var bytes = statement.ToArray();
            switch (i % 4)
            {
                case 0:
                    bytes = bytes[..dice.Next(1, bytes.Length)];
                    break;
                case 1:
                    bytes[dice.Next(1, 3)] ^= (byte)(1 << dice.Next(8));
                    break;
                case 2:
                    bytes[dice.Next(bytes.Length - 80, bytes.Length)] ^= (byte)(1 << dice.Next(8));
                    break;
                default:
                    bytes = [.. bytes, .. new byte[dice.Next(1, 300)]];
                    break;
            }

            // A certificate changed outside its key is another first certificate, which nobody pins.
            Assert.False(Read(bytes)?.Has(old.Node.Id) ?? false, $"number {i} was taken");
        }

        VibePN.Identity.Lineage? Read(byte[] value) =>
            VibePN.Identity.LineageProof.Read(current, [System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(TestStatement.Pem(value)).RawData])
                is { IsProven: true } proof ? proof.Lineage : null;
    }

    /// <summary>A successor that leaves out what it follows.</summary>
    private static TestIdentity Alone(TestIdentity successor)
    {
        var pem = System.Text.Encoding.ASCII.GetString(successor.Node.CertificatePem.Span);
        var end = pem.IndexOf("-----END CERTIFICATE-----", StringComparison.Ordinal) + 25;
        return successor.Showing(pem[..end]);
    }

    private static VibePN.Config.NodeConfig Repin(VibePN.Config.NodeConfig config, string peer, TestIdentity identity) =>
        config with { Peers = [.. config.Peers.Select(entry => entry.Name == peer ? entry with { Fingerprint = identity.Node.Lineage.Current } : entry)] };

    private static byte[] SignedFor(TestIdentity old, string name, long end)
    {
        byte[] statement = [];
        _ = old.Succeed(name, end, damage: value => statement = value);
        return statement;
    }

    private static void Restart(SimHost host, TestIdentity identity)
    {
        host.Kill();
        host.ChangeKey(identity);
        host.Boot();
    }

    private static SimHost Evil(SimNetwork sim) => sim.Hosts.Single(host => host.Name == "evil");

    private static (SimHost Hub, SimHost Node, TestIdentity Old) Pair(SimNetwork sim)
    {
        var hub = sim.AddHost("hub", 1, new SimPeer("node"), new SimPeer("evil"));
        var node = sim.AddHost("node", 2, new SimPeer("hub", 1));
        _ = sim.AddHost("evil", 3, new SimPeer("hub", 1));
        Assert.NotNull(sim.RunUntil(() => hub.IsUp(node) && hub.IsUp(Evil(sim)), 5 * Second));
        sim.Run(Second);
        return (hub, node, sim.Identity("node"));
    }

    private static SimHost[] Mesh(SimNetwork sim)
    {
        SimHost[] hosts =
        [
            sim.AddHost("a", 1, new SimPeer("b", 2), new SimPeer("c", 3)),
            sim.AddHost("b", 2, new SimPeer("a", 1), new SimPeer("c", 3)),
            sim.AddHost("c", 3, new SimPeer("a", 1), new SimPeer("b", 2)),
        ];
        Assert.NotNull(sim.RunUntil(() => AllUp(hosts), 10 * Second));
        sim.Run(5 * Second);
        return hosts;
    }

    private static bool AllUp(SimHost[] hosts) => hosts.All(one => hosts.All(other => one == other || one.IsUp(other)));

    private static void Talk(SimNetwork sim, SimHost[] hosts, int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            foreach (var from in hosts)
            {
                foreach (var to in hosts.Where(host => host != from))
                {
                    from.SendTo(to, 0);
                }
            }

            sim.Run(TimeSpan.FromMilliseconds(10));
        }

        sim.Run(TimeSpan.FromMilliseconds(100));
    }
}
