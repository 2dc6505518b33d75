using System.Globalization;
using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Ten million packets leave no trace in the daemon's memory.</summary>
public sealed class LoadTests(ConnectedPair pair) : IClassFixture<ConnectedPair>
{
    private const long Packets = 10_000_000;
    private const long MaxAllocatedBytes = 64 * 1024;
    private const long MaxResidentBytes = 32 * 1024 * 1024;

    [Fact]
    public void Packets_TenMillion_AllocateNothingAndLeaveTheProcessSmall()
    {
        TestNode[] nodes = [pair.One, pair.Two];
        Load(TimeSpan.FromSeconds(2));

        // What the warm-up left is given back first: a collection takes the rest of the loop's allocation context away, which is then reckoned as used.
        Thread.Sleep(TimeSpan.FromSeconds(3));
        Account[] before = [.. nodes.Select(Look)];

        // Every look at the status costs the loop some 5 KiB: few looks, so that the packets are measured and not the measuring.
        Load(TimeSpan.FromSeconds(25));
        Account[] after = [.. nodes.Select(Look)];
        for (int i = 0; i < 6 && Enumerable.Range(0, 2).Any(node => after[node].Packets - before[node].Packets < Packets); i++)
        {
            Load(TimeSpan.FromSeconds(15));
            after = [.. nodes.Select(Look)];
        }

        for (int i = 0; i < 2; i++)
        {
            TestNode node = nodes[i];
            long carried = after[i].Packets - before[i].Packets;
            long grown = after[i].AllocatedBytes - before[i].AllocatedBytes;
            TestContext.Current.TestOutputHelper?.WriteLine($"{node.Name}: {carried} packets, {grown} bytes allocated, {after[i].ResidentBytes} bytes resident at once");
            Assert.True(carried >= Packets, $"{node.Name} carried only {carried} packets");
            Assert.True(grown < MaxAllocatedBytes, $"{node.Name} allocated {grown} bytes over {carried} packets");
        }

        foreach (TestNode node in nodes)
        {
            Wait.Until(
                TimeSpan.FromSeconds(20),
                string.Create(CultureInfo.InvariantCulture, $"{node.Name} uses at most {MaxResidentBytes} bytes after the load, not {Look(node).ResidentBytes}"),
                () => Look(node).ResidentBytes <= MaxResidentBytes);
            TestContext.Current.TestOutputHelper?.WriteLine($"{node.Name}: {Look(node).ResidentBytes} bytes resident afterwards");
        }
    }

    private static Account Look(TestNode node)
    {
        JsonNode status = node.Status();
        return new Account(
            status["loop"]!["allocatedBytes"]!.GetValue<long>(),
            status["peers"]!.AsArray().Sum(peer => peer!["packetsIn"]!.GetValue<long>() + peer["packetsOut"]!.GetValue<long>()),
            status["residentBytes"]!.GetValue<long>());
    }

    /// <summary>TCP both ways at once, each with several flows.</summary>
    private void Load(TimeSpan time)
    {
        using RunningProgram server = pair.Two.Host.Start("iperf3", "--server", "--one-off", "--bind", pair.Two.Inner);
        Wait.Until(TimeSpan.FromSeconds(15), "iperf3 listens", () => pair.Two.Host.Run("ss", "-Hltn", "sport = :5201").Output.Length > 0);
        Outcome client = pair.One.Host.Run(
            "iperf3", "--client", pair.Two.Inner, "--bidir", "--parallel", "2", "--set-mss", "536", "--time", time.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        Assert.True(client.ExitCode == 0, client.ToString());
        server.WaitForExit(TimeSpan.FromSeconds(5));
    }

    private readonly record struct Account(long AllocatedBytes, long Packets, long ResidentBytes);
}
