using System.Buffers;
using System.Net;
using System.Reflection;
using System.Text;
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Routing;
using VibePN.Tests.Sim;
using Xunit;

namespace VibePN.Tests;

/// <summary>Every limit holds at its value and refuses (or cuts off) one more.</summary>
public sealed class LimitsTests
{
    private static readonly Prefix Net = Prefix.FromIPNetwork(IPNetwork.Parse("10.42.0.0/16"));

    /// <summary>By the limit's name: whether so many are taken as they are.</summary>
    private static readonly Dictionary<string, Func<int, bool>> Takes = new()
    {
        [nameof(Limits.ControlMessageBytes)] = count =>
        {
            var bytes = new byte[8 + count];
            bytes[0] = 0x3f;
            var header = 1 + VarInt.Write(bytes.AsSpan(1), (ulong)count);
            return Reads(bytes.AsSpan(0, header + count).ToArray()) is not null;
        },
        [nameof(Limits.NetworksPerPeer)] = count =>
            Codec(new NetworkList([.. Enumerable.Range(1, count).Select(i => new NetworkOffer($"n{i}", [Net], [], (ulong)i))])),
        [nameof(Limits.PrefixesPerNetwork)] = count => Codec(new NetworkList([new NetworkOffer("n", [.. Enumerable.Repeat(Net, count)], [], 1)])),
        [nameof(Limits.AddressesPerList)] = count => Codec(new NetworkList([new NetworkOffer("n", [Net], [.. Enumerable.Range(1, count).Select(Address)], 1)])),
        [nameof(Limits.AddressesPerPeerAndNetwork)] = count =>
        {
            var table = new RouteTable([Net], new AddressBook(), acceptRoutes: true);
            var rights = new PeerRights(TestIdentity.Get("a").Node.Id, [], []);
            return table.Replace(rights, RouteSource.Address, [.. Enumerable.Range(1, count).Select(i => (Prefix.Host(Address(i)), 0u))], 0).All(route => route.IsUsed);
        },
        [nameof(Limits.RoutesPerPeerAndNetwork)] = AnnouncedInTwoMessages,
        [nameof(Limits.PrefixesPerNode)] = count => Config(
            [.. Enumerable.Range(0, count).Chunk(Limits.PrefixesPerNetwork).Select((some, i) =>
                $"[networks.n{i}]\nprefix = \"10.{some[0] / 256}.{some[0] % 256}.0/24\"\nprefixes = [{string.Join(",", some.Skip(1).Select(n => $"\"10.{n / 256}.{n % 256}.0/24\""))}]")]),
        [nameof(Limits.RoutesPerNode)] = count => Config(
            [.. Enumerable.Range(0, count).Chunk(Limits.RoutesPerPeerAndNetwork).Select((some, i) => WithRoutes(i, some.Length))]),
        [nameof(Limits.FormerRoutesPerPeerAndNetwork)] = count =>
        {
            var table = new RouteTable([Net], new AddressBook(), acceptRoutes: true);
            var rights = new PeerRights(TestIdentity.Get("a").Node.Id, [], []);
            table.Replace(rights, RouteSource.Announced, [.. Enumerable.Range(1, count).Select(i => (Prefix.Host(Address(i)), 0u))], 0);
            table.Remove(rights.Peer, 0);
            return table.Routes.Count() == count;
        },
        [nameof(Limits.NetworksPerProcess)] = count =>
        {
            using var sim = new SimNetwork(1);
            var a = sim.AddHost("a", 1);
            try
            {
                for (var i = 1; i < count; i++)
                {
                    a.Apply(config => config with { Networks = [config.Networks[0] with { Interface = $"vpn-{i}" }] });
                }
            }
            catch (InvalidOperationException)
            {
                return false;
            }

            return true;
        },
        [nameof(Limits.MembersPerMessage)] = count => Codec(new Members([.. Enumerable.Range(0, count).Select(i => new MemberOffer(Id(i), "m", ["n"], []))], [], IsComplete: false)),
        [nameof(Limits.MembersGonePerMessage)] = count => Codec(new Members([], [.. Enumerable.Range(0, count).Select(Id)], IsComplete: false)),
        [nameof(Limits.IntroducedPerNetwork)] = count => Introduce(count, 1),
        [nameof(Limits.Introduced)] = count => Introduce(count, 10),
        [nameof(Limits.KeptOut)] = count =>
        {
            var book = new IntroductionBook(IntroductionMemory.Empty, static id => id);
            for (var i = 0; i < count; i++)
            {
                book.KeepOut(Id(i), "m", i);
            }

            return book.KeptOut.Count == count && book.IsKeptOut(Id(count - 1)) && book.IsKeptOut(Id(0));
        },
        [nameof(Limits.DialTokenBytes)] = count => NewPeer().TryKeepToken(new byte[count]),
        [nameof(Limits.NodeNameBytes)] = count => Text(new Hello(Guid.NewGuid(), new string('x', count), [], null, 0, false)) == count,
        [nameof(Limits.ReasonBytes)] = count => Text(new PeerError(CloseReason.None, new string('x', count))) == count,
        [nameof(Limits.Features)] = count => Codec(new Hello(Guid.NewGuid(), "n", [.. Enumerable.Range(0, count).Select(i => (ulong)i)], null, 0, false)),
        [nameof(Limits.PeerQueueBytes)] = count =>
        {
            var dropped = 0;
            var queue = new FairQueue(Limits.PeerQueueBytes, new QueueMemory(2 * Limits.PeerQueueBytes), 0, (_, _, packets) => dropped += packets);
            var frame = TestPacket.Udp("10.0.0.1", "10.0.0.2", 4096 - 28);
            _ = Segmenter.Start(default, frame, out var segmenter);
            for (; count >= 2 * frame.Length; count -= frame.Length)
            {
                Assert.True(queue.Enqueue(0, segmenter, frame, isBegun: false, 0));
            }

            _ = queue.Enqueue(0, segmenter, TestPacket.Udp("10.0.0.1", "10.0.0.2", count - 28), isBegun: false, 0);
            return dropped == 0;
        },
        [nameof(Limits.RepairBytes)] = count =>
        {
            using RepairMemory memory = new(Limits.RepairBytes, Limits.RepairBytesOfNode);
            PacketRing<int> ring = new(memory, 4096);
            var all = true;
            for (var number = 0ul; count > 0 && all; count -= 4096)
            {
                all = ring.TryAdd(number++, new byte[Math.Min(count, 4096)], default, 0);
            }

            ring.Release();
            return all;
        },
        [nameof(Limits.RepairBytesOfNode)] = count =>
        {
            using RepairMemory memory = new(Limits.RepairBytes, Limits.RepairBytesOfNode);
            return memory.TryReserve(count);
        },
        [nameof(Limits.ReassembledBytes)] = count =>
        {
            var fragment = new byte[Reassembler.HeaderBytes + 8];
            Reassembler.WriteHeader(fragment, 1, 0, count);
            return new Reassembler().Add(0, fragment, 1, out _) == ReassemblyResult.Incomplete;
        },
        [nameof(Limits.ReassemblyPackets)] = count =>
        {
            var reassembler = new Reassembler();
            var fragment = new byte[Reassembler.HeaderBytes + 8];
            for (var id = 0; id < count; id++)
            {
                Reassembler.WriteHeader(fragment, (ushort)id, 0, 1000);
                reassembler.Add(0, fragment, 1, out _);
            }

            return reassembler.Count == count && reassembler.Expired == 0;
        },
        [nameof(Limits.TagsPerConnection)] = count =>
        {
            var session = new ControlSession();
            var messages = new List<ControlMessage>();
            session.Receive(Encode(new Hello(Guid.NewGuid(), "n", [], null, 0, false)), messages, 1);
            try
            {
                for (var tag = 1; tag <= count; tag++)
                {
                    session.Receive(Encode(new NetworkList([new NetworkOffer("n", [Net], [], (ulong)tag)])), messages, 1);
                }
            }
            catch (ControlException broken) when (broken.Reason == CloseReason.LimitExceeded)
            {
                return false;
            }

            return true;
        },
        [nameof(Limits.ConnectionsPerPeer)] = count =>
        {
            using var sim = new SimNetwork(1);
            var a = sim.AddHost("a", 1, new SimPeer("evil"));
            var evil = new RawPeer(sim, "evil", 66);
            for (var i = 0; i < count; i++)
            {
                evil.Connect(a);
                sim.Run(TimeSpan.FromMilliseconds(50));
            }

            sim.Run(TimeSpan.FromMilliseconds(200));
            return evil.Closures == 0;
        },
        [nameof(Limits.InviteBytes)] = bytes =>
        {
            // A field of a type that nobody knows fills it up.
            var body = new byte[2 + bytes + 4];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(body, (ushort)bytes);
            for (var at = 2; at < 2 + bytes;)
            {
                var length = Math.Min(255, 2 + bytes - at - 2);
                length = 2 + bytes - at - 2 - length == 1 ? length - 1 : length;
                (body[at], body[at + 1]) = (99, (byte)length);
                at += 2 + length;
            }

            System.Security.Cryptography.SHA256.HashData(body.AsSpan(0, 2 + bytes)).AsSpan(0, 4).CopyTo(body.AsSpan(2 + bytes));

            // As a whole it is taken, though it says too little.
            return InviteCodec.TryRead(InviteCodec.Prefix + System.Buffers.Text.Base64Url.EncodeToString(body), out _) == InviteFault.Malformed;
        },
        [nameof(Limits.InviteAddresses)] = count => Invite(addresses: count, routes: 0),
        [nameof(Limits.InviteRoutes)] = count => Invite(addresses: 1, routes: count),
        [nameof(Limits.OpenInvites)] = count =>
        {
            var book = new InviteBook([]);
            return Enumerable.Range(1, count).All(i => book.TryAdd(Issued(i), 1));
        },
        [nameof(Limits.ClosedInvites)] = count =>
        {
            var book = new InviteBook([.. Enumerable.Range(1, count).Select(i => Issued(i) with { RevokedUtcSeconds = i })]);
            _ = book.TryAdd(Issued(0), 1);
            return book.All.Count == count + 1;
        },
        [nameof(Limits.RememberedPeers)] = count =>
        {
            using var sim = new SimNetwork(1);
            var a = sim.AddHost("a", 1);
            a.Restart(memory => memory with
            {
                Trust = new TrustMemory(
                    [],
                    [.. Enumerable.Range(1, count - 1).Select(i => new RememberedPeer("p", PeerId.OfCertificate(BitConverter.GetBytes(i)), PeerTrust.Invite, 1))]),
            });
            return a.Node!.AddInvite(Issued(1), sim.Now) is null;
        },
        [nameof(Limits.FormerLineages)] = count =>
        {
            using var sim = new SimNetwork(1);
            var a = sim.AddHost("a", 1);
            a.Restart(memory => memory with { Trust = memory.Trust with { Lineages = [.. Enumerable.Range(0, count).Select(i => new Lineage([Id(2 * i), Id((2 * i) + 1)], [1]))] } });
            a.Apply(config => config);
            return a.Node!.Memory.Trust.Lineages.Count == count;
        },
        [nameof(Limits.PendingJoins)] = count =>
        {
            using TemporaryDirectory state = new();
            var files = new JoinFiles(state.Path);
            for (var i = 1; i <= count; i++)
            {
                files.Write(PeerId.OfCertificate(BitConverter.GetBytes(i)), "statement");
            }

            return files.Load(out var problems).Count == count && problems.Count == 0;
        },
        [nameof(Limits.AddressesPerPeer)] = count => Config(
            [$"[networks.n]\nprefix = \"10.1.0.0/24\"\n[[peers]]\nname = \"a\"\nfingerprint = \"{new string('1', 64)}\"\naddress = [{string.Join(",", Enumerable.Range(1, count).Select(i => $"\"h{i}:1\""))}]"]),
        [nameof(Limits.LogLinesPerPeerAndMinute)] = count =>
        {
            var peer = NewPeer();
            return Enumerable.Range(1, count).All(_ => peer.MayLog(1)) && peer.MayLog(61_000_000_000);
        },
        [nameof(Limits.DebugLinesPerPeerAndMinute)] = count =>
        {
            var peer = NewPeer();
            return Enumerable.Range(1, count).All(_ => peer.DebugLimit.MayLog(1)) && peer.DebugLimit.MayLog(61_000_000_000);
        },
    };

    private static IssuedInvite Issued(int number) => new()
    {
        Id = new InviteId((UInt128)number),
        Key = new byte[16],
        Network = "corp",
        CreatedUtcSeconds = 1,
        ExpiresUtcSeconds = long.MaxValue,
    };

    private static bool Invite(int addresses, int routes)
    {
        try
        {
            _ = InviteCodec.Write(new Invite
            {
                Id = default,
                Secret = new byte[16],
                Inviter = default,
                InviterName = "a",
                Network = "corp",
                Prefixes = [IPNetwork.Parse("10.42.0.0/24")],
                ExpiresUtcSeconds = 1,
                Addresses = [.. Enumerable.Range(1, addresses).Select(i => new HostPort($"192.0.2.{i}", 1))],
                Routes = [.. Enumerable.Range(1, routes).Select(i => IPNetwork.Parse($"192.168.{i}.0/24"))],
            });
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static PeerId Id(int number) => PeerId.OfCertificate(BitConverter.GetBytes(number));

    /// <summary>So many members by so many introducers.</summary>
    private static bool Introduce(int count, int introducers)
    {
        var book = new IntroductionBook(IntroductionMemory.Empty, static id => id);
        return Enumerable.Range(0, count).All(i => book.Take(
            new PeerConfig { Name = "hub", Fingerprint = Id(-1 - (i % introducers)), Networks = ["corp"], Introduces = true },
            Id(-100),
            Id(i),
            "m",
            ["corp"],
            [],
            _ => false,
            0) == IntroductionVerdict.Taken);
    }

    private static Peer NewPeer() => new(new PeerConfig { Name = "a" }, TestIdentity.Get("a").Node.Id, new FairQueue(Limits.PeerQueueBytes, new QueueMemory(2 * Limits.PeerQueueBytes), 0, (_, _, _) => { }));

    public static TheoryData<string> Names => [.. typeof(Limits).GetFields(BindingFlags.Public | BindingFlags.Static).Select(limit => limit.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Limit_AtItsValueAndOneMore_HoldsAndRefuses(string name)
    {
        var limit = (int)typeof(Limits).GetField(name)!.GetRawConstantValue()!;
        Assert.True(Takes.TryGetValue(name, out var takes), $"Limits.{name} has no test here");

        Assert.True(takes(limit), $"{limit} are taken");
        Assert.False(takes(limit + 1), $"{limit + 1} are too many");
    }

    /// <summary>Half in one message, half in the next: the limit counts both.</summary>
    private static bool AnnouncedInTwoMessages(int count)
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1, new SimPeer("evil"));
        var evil = new RawPeer(sim, "evil", 66);
        evil.Join(a, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        var routes = Enumerable.Range(1, count).Select(i => new RouteOffer(Prefix.Host(Address(i)), 0, 0)).ToList();
        evil.Say(new Announce("corp", [.. routes.Take(count / 2)]));
        evil.Say(new Announce("corp", [.. routes.Skip(count / 2)]));
        sim.Run(TimeSpan.FromSeconds(1));
        return evil.Closed is null;
    }

    [Theory]
    [InlineData(Limits.NetworksPerPeer, true)]
    [InlineData(Limits.NetworksPerPeer + 1, false)]
    public void Config_SoManyNetworks_OnlyWhatPeersTake(int count, bool isTaken) =>
        Assert.Equal(isTaken, Config([.. Enumerable.Range(0, count).Select(i => WithRoutes(i, 0))]));

    [Theory]
    [InlineData(Limits.RoutesPerPeerAndNetwork, true)]
    [InlineData(Limits.RoutesPerPeerAndNetwork + 1, false)]
    public void Config_SoManyRoutes_OnlyWhatPeersTake(int count, bool isTaken) => Assert.Equal(isTaken, Config([WithRoutes(0, count)]));

    /// <summary>The largest config that loads can be told to a peer: nothing overflows its message or stream.</summary>
    [Fact]
    public void Config_AtAllLimits_IsToldToAPeer()
    {
        using var sim = new SimNetwork(1);
        var names = Enumerable.Range(0, Limits.NetworksPerPeer).Select(i => $"{i:d2}".PadRight(32, 'x')).ToArray();
        NodeConfig Full(NodeConfig config) => config with
        {
            Networks =
            [
                .. names.Select((name, i) => config.Networks[0] with
                {
                    Name = name,
                    Interface = $"vpn-{i}",
                    Prefixes = [.. Enumerable.Range(0, 4).Select(p => IPNetwork.Parse($"fd00:{i:x}:{p}::/64"))],
                    Addresses = [null, null, null, null],
                    Routes = [.. Enumerable.Range(0, Limits.RoutesPerNode / Limits.NetworksPerPeer).Select(r => IPNetwork.Parse($"fd01:{i:x}:{r:x}::/48"))],
                }),
            ],
            Peers = [.. config.Peers.Select(peer => peer with { Networks = names, AllowRoutes = [IPNetwork.Parse("fd01::/16")] })],
        };
        var a = sim.AddHost("a", 1, TestIdentity.Get("a"), Full, new SimPeer("b", 2));
        var b = sim.AddHost("b", 2, TestIdentity.Get("b"), Full, new SimPeer("a"));
        sim.Run(TimeSpan.FromMinutes(5));

        Assert.True(a.IsUp(b) && b.IsUp(a));
        Assert.Equal(1, a.Peer("b").DialAttempts);
        Assert.Equal(names.Length, b.Peer("a").Networks.Count);
        Assert.All(b.Snapshot.Networks, network => Assert.Equal(64 + 4, network.Routes.Count(route => route.IsUsed)));
    }

    private static bool Config(IReadOnlyList<string> networks)
    {
        try
        {
            _ = ConfigFile.Parse("[identity]\ncert = \"c\"\nkey = \"k\"\n" + string.Join("\n", networks), "/etc/vibepn/config.toml");
            return true;
        }
        catch (ConfigException)
        {
            return false;
        }
    }

    private static string WithRoutes(int network, int routes) =>
        $"[networks.n{network}]\nprefix = \"10.1.{network}.0/24\"\nroutes = [{string.Join(",", Enumerable.Range(0, routes).Select(i => $"\"172.{i / 256}.{i % 256}.0/24\""))}]";

    private static IpKey Address(int number) => IpKey.FromIPAddress(new IPAddress([10, 42, (byte)(number >> 8), (byte)number]));

    private static byte[] Encode(ControlMessage message)
    {
        var writer = new ArrayBufferWriter<byte>();
        ControlCodec.Write(writer, message);
        return writer.WrittenSpan.ToArray();
    }

    private static bool Codec(ControlMessage message) => Reads(Encode(message)) is not null;

    /// <returns>Bytes consumed; null: refused for a limit.</returns>
    private static int? Reads(byte[] bytes)
    {
        try
        {
            return ControlCodec.TryRead(bytes, out _);
        }
        catch (ControlException broken) when (broken.Reason == CloseReason.LimitExceeded)
        {
            return null;
        }
    }

    /// <returns>Bytes of the text that is left after reading.</returns>
    private static int Text(ControlMessage message)
    {
        _ = ControlCodec.TryRead(Encode(message), out var read);
        return Encoding.UTF8.GetByteCount(read switch { Hello hello => hello.NodeName, PeerError error => error.Text, _ => "" });
    }
}
