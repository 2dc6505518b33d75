using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using VibePN.Tests.Hostile;
using VibePN.Tests.Sim;
using Xunit;

namespace VibePN.E2E;

/// <summary>
/// A trusted peer sends what no honest one does, to a daemon with a real kernel behind it: dropped and counted by reason, and the
/// interface sees valid packets only. Another peer's pings are answered meanwhile, and the daemon does not grow.
/// </summary>
public sealed class HostileDataTests : IDisposable
{
    private const string Own4 = "10.42.0.66";
    private const string Own6 = "fd42::66";
    private const string Mallory = "mallory";
    private const int FragmentsPerSecond = 1000;

    /// <summary>The daemon's buffers are touched by a load, and given back when it is over; what is held for ever would be 30 MiB or more.</summary>
    private const long MaxGrowthBytes = 12 << 20;

    /// <summary>More of both by hand: HOSTILE_SECONDS=60 HOSTILE_ROUNDS=1000000.</summary>
    private static readonly int s_seconds = Number("HOSTILE_SECONDS", 6);
    private static readonly int s_rounds = Number("HOSTILE_ROUNDS", 300_000);

    private readonly TestBed _bed = new() { MtuBytes = 9000 };
    private readonly TestNode _target;
    private readonly TestNode _owner;
    private readonly TestIdentity _identity = TestIdentity.Create(Mallory);
    private readonly TestClient _client;

    public HostileDataTests()
    {
        _target = _bed.AddNode("target");
        _owner = _bed.AddNode("owner");
        _target.Trust(_owner, dial: false).Trust(Mallory, _identity.Fingerprint);
        _owner.Trust(_target);
        _client = new TestClient(_bed.AddHost(Mallory), _identity, _target);
    }

    public void Dispose()
    {
        _client.Dispose();
        _bed.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Datagrams_ThatNoHonestPeerSends_AreCountedAndNeverReachTheKernel(bool offloads)
    {
        Start(offloads);
        Wait.Until(TimeSpan.FromSeconds(40), "the path carries large datagrams", () =>
        {
            _client.RunFor(TimeSpan.FromMilliseconds(100));
            return _client.Connection!.MaxDatagramBytes > 8100;
        });
        byte tag = (byte)_client.TagOf(TestNode.Network);
        BadPacket[] bad = [.. HostileData.Bad(Own4, Own6, _owner.Inner, _target.Inner, _target.Inner6)];
        Dictionary<string, long> expected = bad.Select(one => one.Reason).Append(DropReason.InUnknownTag).CountBy(Name).ToDictionary(pair => pair.Key, pair => (long)pair.Value);
        using Watch watch = new(_target, _owner);

        // UDP may lose a packet: one round of three has to be counted to the last datagram.
        string[] counted = [.. Enumerable.Range(0, 3).Select(_ =>
        {
            Dictionary<string, long> before = Drops();
            foreach (BadPacket one in bad)
            {
                _client.Write([tag, one.Flags, .. one.Packet]);
            }

            _client.Write([(byte)(tag ^ 32), 0, 0x45]);
            _client.RunFor(TimeSpan.FromMilliseconds(300));
            return Text(Drops().ToDictionary(drop => drop.Key, drop => drop.Value - before.GetValueOrDefault(drop.Key)));
        })];

        Assert.True(counted.Contains(Text(expected)), $"not {Text(expected)}, but\n{string.Join('\n', counted)}");
        Assert.Equal(0, watch.End("bad packets"));
        Assert.Null(_client.Closed);
        AssertOffloads(offloads);
    }

    [Fact]
    public void FirstFragments_WithoutTheirRest_AreGivenUpAndMemoryIsFlat()
    {
        Start(offloads: true);
        byte tag = (byte)_client.TagOf(TestNode.Network);
        byte[] piece = TestPacket.Udp(Own4, _target.Inner, 972);
        int sent = 0;
        Send(TimeSpan.FromSeconds(2));
        using Watch watch = new(_target, _owner);
        Send(TimeSpan.FromSeconds(s_seconds));

        Assert.Equal(0, watch.End(string.Create(CultureInfo.InvariantCulture, $"{sent} first fragments, {_target.Drops("inFragmentIncomplete")} given up")));
        Assert.True(_target.Drops("inFragmentIncomplete") > sent / 2, $"{sent} sent: {Text(Drops())}");
        Assert.Null(_client.Closed);

        void Send(TimeSpan time)
        {
            long start = Stopwatch.GetTimestamp();
            int before = sent;
            while (Stopwatch.GetElapsedTime(start) is var elapsed && elapsed < time)
            {
                while (sent - before < elapsed.TotalSeconds * FragmentsPerSecond)
                {
                    _client.Write(HostileData.Fragment(tag, 0, (ushort)sent++, 0, 9000, piece));
                }

                _client.RunFor(TimeSpan.Zero);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Datagrams_Mutated_OnlyValidPacketsReachTheKernel(bool offloads)
    {
        const int Seed = 20_261_123;
        Start(offloads);
        Random random = new(Seed);
        byte[][] corpus = [.. HostileData.Corpus((byte)_client.TagOf(TestNode.Network), Own4, Own6, _target.Inner, _target.Inner6)];
        byte[] scratch = new byte[2000];
        Send(s_rounds / 5);
        using Watch watch = new(_target, _owner, mayDeliver: offloads ? null : Mallory);
        long start = Stopwatch.GetTimestamp();
        Send(s_rounds);

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        long delivered = watch.End(string.Create(CultureInfo.InvariantCulture, $"{s_rounds} mutated datagrams in {seconds:F1} s, seed {Seed}"));
        long dropped = Drops().Values.Sum();
        Assert.True(delivered > 0, "the corpus has good packets too");
        Assert.True(delivered + dropped <= s_rounds + (s_rounds / 5) + 1, $"{delivered} delivered and {dropped} dropped of {s_rounds}");
        Assert.True(dropped > s_rounds / 4, Text(Drops()));
        Assert.Null(_client.Closed);
        AssertOffloads(offloads);

        void Send(int rounds)
        {
            for (int round = 0; round < rounds; round++)
            {
                byte[] original = corpus[random.Next(corpus.Length)];
                int bytes = original.Length;
                original.CopyTo(scratch, 0);
                for (int i = random.Next(4); i > 0; i--)
                {
                    bytes = HostileData.Mutate(random, scratch, bytes);
                }

                _client.Write(scratch.AsSpan(0, bytes));
            }

            _client.RunFor(TimeSpan.FromSeconds(1));
        }
    }

    private static string Name(DropReason reason) => char.ToLowerInvariant(reason.ToString()[0]) + reason.ToString()[1..];

    private static string Text(Dictionary<string, long> drops) =>
        string.Join(", ", drops.Where(drop => drop.Value != 0).OrderBy(drop => drop.Key, StringComparer.Ordinal).Select(drop => $"{drop.Key} {drop.Value}"));

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : otherwise;

    private void Start(bool offloads)
    {
        _target.Tuning = $"tun_offloads = {(offloads ? "true" : "false")}";
        _target.Start();
        _owner.Start();
        _owner.WaitForTrafficTo(_target, TimeSpan.FromSeconds(10));
        _client.Join(Own4, Own6);
        _client.RunFor(TimeSpan.FromMilliseconds(300));
    }

    /// <summary>The drops of what came in.</summary>
    private Dictionary<string, long> Drops() => _target.Status()["drops"]!.AsObject()
        .Where(drop => drop.Key.StartsWith("in", StringComparison.Ordinal)).ToDictionary(drop => drop.Key, drop => drop.Value!.GetValue<long>());

    /// <summary>The kernel has refused nothing: the offloads are as they were.</summary>
    private void AssertOffloads(bool asked)
    {
        JsonNode tun = _target.Status()["networks"]![0]!["offloads"]!;
        Assert.Equal((asked, asked), (tun["tcp"]!.GetValue<bool>(), tun["udp"]!.GetValue<bool>()));
        Assert.Equal(0, _target.Drops("inInterface"));
    }

    /// <summary>What the interface, the daemon's memory and an honest peer see, from now on.</summary>
    private sealed class Watch : IDisposable
    {
        private readonly TestNode _target;
        private readonly PingRun _ping;
        private readonly string? _mayDeliver;
        private readonly long _resident;
        private readonly long _arrived;
        private readonly long _accepted;

        /// <param name="mayDeliver">A peer of whose packets every accepted one has to arrive as one packet; null: what is accepted may arrive in fewer.</param>
        public Watch(TestNode target, TestNode owner, string? mayDeliver = null)
        {
            _target = target;
            _mayDeliver = mayDeliver;
            _resident = target.ResidentBytes();
            _arrived = target.Host.PacketsFromTunnel(TestNode.Interface);
            _accepted = Accepted();
            _ping = new PingRun(owner.Host, target.Inner, TimeSpan.FromSeconds(100));
        }

        /// <returns>Packets of the hostile peer that the daemon has accepted.</returns>
        public long End(string what)
        {
            (int sent, int answered) = _ping.End();
            long resident = _target.ResidentBytes();
            long arrived = _target.Host.PacketsFromTunnel(TestNode.Interface) - _arrived;
            long accepted = Accepted() - _accepted;
            string report = string.Create(CultureInfo.InvariantCulture, $"""
                {what}: {accepted} accepted, {arrived} packets at the interface, {answered} of {sent} pings answered,
                memory {_resident >> 10} KiB before, {resident >> 10} KiB after; drops {_target.Status()["drops"]!.ToJsonString()}
                """);
            TestContext.Current.TestOutputHelper?.WriteLine(report);
            Assert.True(answered >= sent * 0.8 && answered > 0, report);
            Assert.True(arrived <= accepted + sent && arrived >= answered, report);
            Assert.True(_mayDeliver is null || arrived >= accepted + answered, report);
            Assert.True(resident - _resident < MaxGrowthBytes, report);
            return accepted;
        }

        public void Dispose() => _ping.Dispose();

        private long Accepted() => _target.Status()["peers"]!.AsArray().Single(peer => peer!["name"]!.GetValue<string>() == Mallory)!["packetsIn"]!.GetValue<long>();
    }
}
