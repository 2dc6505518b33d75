using System.Globalization;
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
        long[] allocated = [.. nodes.Select(Allocated)];
        long[] packets = [.. nodes.Select(CountOfPackets)];

        // Every look at the status costs the loop some 4 KiB: few looks, so that the packets are measured and not the measuring.
        Load(TimeSpan.FromSeconds(25));
        for (int i = 0; i < 6 && Enumerable.Range(0, 2).Any(node => CountOfPackets(nodes[node]) - packets[node] < Packets); i++)
        {
            Load(TimeSpan.FromSeconds(15));
        }

        for (int i = 0; i < 2; i++)
        {
            TestNode node = nodes[i];
            long carried = CountOfPackets(node) - packets[i];
            long grown = Allocated(node) - allocated[i];
            TestContext.Current.TestOutputHelper?.WriteLine($"{node.Name}: {carried} packets, {grown} bytes allocated, {node.Status()["residentBytes"]} bytes resident at once");
            Assert.True(carried >= Packets, $"{node.Name} carried only {carried} packets");
            Assert.True(grown < MaxAllocatedBytes, $"{node.Name} allocated {grown} bytes over {carried} packets");
        }

        foreach (TestNode node in nodes)
        {
            Wait.Until(
                TimeSpan.FromSeconds(20),
                string.Create(CultureInfo.InvariantCulture, $"{node.Name} uses at most {MaxResidentBytes} bytes after the load, not {node.Status()["residentBytes"]}"),
                () => node.Status()["residentBytes"]!.GetValue<long>() <= MaxResidentBytes);
            TestContext.Current.TestOutputHelper?.WriteLine($"{node.Name}: {node.Status()["residentBytes"]} bytes resident afterwards");
        }
    }

    private static long Allocated(TestNode node) => node.Status()["loop"]!["allocatedBytes"]!.GetValue<long>();

    private static long CountOfPackets(TestNode node) =>
        node.Status()["peers"]!.AsArray().Sum(peer => peer!["packetsIn"]!.GetValue<long>() + peer["packetsOut"]!.GetValue<long>());

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
}
