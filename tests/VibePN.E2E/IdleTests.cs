using System.Diagnostics;
using System.Globalization;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>What peers cost that have nothing to say: memory and time of a daemon with a hundred of them.</summary>
public sealed class IdleTests : IDisposable
{
    private const int Peers = 100;

    /// <summary>The aim is 48 KiB and 0.2 %; a heap that had been given back a moment before (3 MB seen), and a slow machine, must not fail the test.</summary>
    private const long MaxBytesPerPeer = 96 * 1024;
    private const double MaxPercentOfACore = 1;

    /// <summary>Longer by hand: IDLE_SECONDS=50.</summary>
    private static readonly TimeSpan s_measured = TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("IDLE_SECONDS"), CultureInfo.InvariantCulture, out int seconds) ? seconds : 10);

    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(8);

    private readonly TestBed _bed = new();
    private readonly List<TestClient> _clients = [];

    public void Dispose()
    {
        _clients.ForEach(client => client.Dispose());
        _bed.Dispose();
    }

    [Fact]
    public void Peers_HundredIdle_CostLittleMemoryAndTime()
    {
        TestNode node = _bed.AddNode("node");
        TestHost host = _bed.AddHost("clients");
        TestIdentity[] identities = [.. Enumerable.Range(0, Peers).Select(number => TestIdentity.Create(Name(number)))];
        for (int i = 0; i < Peers; i++)
        {
            node.Trust(Name(i), identities[i].Fingerprint);
        }

        node.Start();
        Connect(host, node, identities[0], 0);
        Run(s_settling);
        long before = node.ResidentBytes();
        for (int i = 1; i < Peers; i++)
        {
            Connect(host, node, identities[i], i);
        }

        Run(s_settling);
        Assert.Equal(Peers, node.Connections());
        Run(TimeSpan.FromSeconds(3));
        double cpu = node.CpuSeconds();
        long start = Stopwatch.GetTimestamp();
        Run(s_measured);
        double percent = (node.CpuSeconds() - cpu) / Stopwatch.GetElapsedTime(start).TotalSeconds * 100;
        long perPeer = (node.ResidentBytes() - before) / (Peers - 1);

        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{perPeer / 1024.0:F1} KiB per idle peer ({before >> 10} KiB with one); {Peers} of them cost {percent:F3} % of a core"));
        Assert.Equal(Peers, node.Connections());
        Assert.True(perPeer <= MaxBytesPerPeer, string.Create(CultureInfo.InvariantCulture, $"{perPeer} bytes per idle peer"));
        Assert.True(percent <= MaxPercentOfACore, string.Create(CultureInfo.InvariantCulture, $"{percent:F3} % of a core"));
    }

    private static string Name(int number) => string.Create(CultureInfo.InvariantCulture, $"client-{number}");

    private void Connect(TestHost host, TestNode node, TestIdentity identity, int number)
    {
        TestClient client = new(host, identity, node);
        _clients.Add(client);
        client.Join(string.Create(CultureInfo.InvariantCulture, $"10.42.0.{100 + number}"), string.Create(CultureInfo.InvariantCulture, $"fd42::1:{number:x}"));
    }

    private void Run(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            _clients.ForEach(client => client.Turn(TimeSpan.Zero));
            Wait.For(TimeSpan.FromMilliseconds(10));
        }
    }
}
