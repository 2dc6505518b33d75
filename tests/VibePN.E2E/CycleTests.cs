using System.Globalization;
using VibePN.E2E.Harness;
using VibePN.Quic;
using Xunit;

namespace VibePN.E2E;

/// <summary>What comes and goes a thousand times leaves nothing behind.</summary>
public sealed class CycleTests : IDisposable
{
    private const int Cycles = 500;
    private const int WarmUpCycles = 1000;

    /// <summary>
    /// The runtime gives memory back when it likes (2–3 MB seen) and then takes it again, once; what a cycle leaves behind grows in every
    /// one of these rounds.
    /// </summary>
    private const int Rounds = 5;

    /// <summary>What the command that asks for the status may occupy, here or there.</summary>
    private const int Spare = 3;

    private const long MaxGrowthBytes = 500_000;

    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void Connections_ThatComeAndGo_LeaveNothing() => Cycle(pinned: true, client => Assert.Null(client.ConnectAndClose()));

    [Fact]
    public void Handshakes_ThatAreRefused_LeaveNothing() => Cycle(pinned: false, client =>
    {
        QuicClose? close = client.ConnectAndClose();
        Assert.NotNull(close?.Alert);
    });

    private void Cycle(bool pinned, Action<TestClient> once)
    {
        TestIdentity identity = TestIdentity.Create("client");
        TestNode node = _bed.AddNode("node");
        node.Trust("client", pinned ? identity.Fingerprint : TestIdentity.Create("another").Fingerprint).Start();
        using TestClient client = new(_bed.AddHost("client"), identity, node);

        Run(client, once, WarmUpCycles);
        Resources before = Settle(node);
        for (int round = 1; ; round++)
        {
            Run(client, once, Cycles);
            Resources after = Settle(node);
            string report = $"round {round}\nbefore {before}\nafter  {after}";
            TestContext.Current.TestOutputHelper?.WriteLine(report);
            Assert.Equal(0, after.Connections);
            Assert.InRange(after.Descriptors, 1, before.Descriptors + Spare);
            Assert.InRange(after.Threads, 1, before.Threads + Spare);
            if (after.ResidentBytes - before.ResidentBytes < MaxGrowthBytes)
            {
                return;
            }

            Assert.True(round < Rounds, report);
            before = before with { ResidentBytes = after.ResidentBytes };
        }
    }

    private static void Run(TestClient client, Action<TestClient> once, int times)
    {
        for (int i = 0; i < times; i++)
        {
            once(client);
        }
    }

    private static Resources Settle(TestNode node)
    {
        Wait.Until(TimeSpan.FromSeconds(30), "no connection is left", () => node.Status()["connections"]!.GetValue<int>() == 0);
        string proc = string.Create(CultureInfo.InvariantCulture, $"/proc/{node.Daemon.Id}");
        return new Resources(
            node.Status()["connections"]!.GetValue<int>(),
            node.ResidentBytes(),
            Directory.GetFiles(proc + "/fd").Length,
            Directory.GetDirectories(proc + "/task").Length);
    }

    private sealed record Resources(int Connections, long ResidentBytes, int Descriptors, int Threads);
}
