using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>A path that suddenly carries less, without a word: "SSH connects, then hangs".</summary>
public sealed class PathMtuTests(MatrixPair pair) : IClassFixture<MatrixPair>
{
    private const double IntervalSeconds = 0.1;

    [Fact]
    public void Path_ShrinksUnderLoad_TrafficGoesOnAndTheMtuFollowsBothWays()
    {
        // A bridge lets super-packets of any size pass, so they are off.
        Switches single = new(true, false, true, "auto");
        pair.Start(single, single);
        WaitForMtu(mtu => mtu > 1380, TimeSpan.FromSeconds(30));
        using RunningProgram server = pair.Two.Host.Start("iperf3", "--server", "--one-off", "--bind", pair.Two.Inner);
        Wait.Until(TimeSpan.FromSeconds(15), "iperf3 listens", () => pair.Two.Host.Run("ss", "-Hltn", "sport = :5201").Output.Length > 0);
        using RunningProgram client = pair.One.Host.Start(
            "iperf3", "--client", pair.Two.Inner, "--time", "8", "--interval", "0.1", "--json");
        Thread.Sleep(TimeSpan.FromSeconds(2.5));

        pair.LimitPathToTwo(1300);
        WaitForMtu(mtu => mtu is > 1100 and < 1280, TimeSpan.FromSeconds(10));
        client.WaitForExit(TimeSpan.FromSeconds(30));

        Assert.True(client.ExitCode == 0, client.Output + client.Errors);
        double silent = LongestSilence(JsonNode.Parse(client.Output)!);
        TestContext.Current.TestOutputHelper?.WriteLine($"silent for {silent:F1} s");
        Assert.True(silent <= 3, $"silent for {silent:F1} s");

        pair.LimitPathToTwo(1500);
        WaitForMtu(mtu => mtu > 1380, TimeSpan.FromSeconds(90));
    }

    private void WaitForMtu(Func<int, bool> condition, TimeSpan limit) =>
        Wait.Until(limit, "the MTU follows the path", () => pair.One.PeerOf(pair.Two)?["mtuBytes"]?.GetValue<int>() is { } mtu && condition(mtu));

    private static double LongestSilence(JsonNode report)
    {
        int longest = 0, run = 0;
        foreach (JsonNode? interval in report["intervals"]!.AsArray())
        {
            run = interval!["sum"]!["bytes"]!.GetValue<long>() == 0 ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        return longest * IntervalSeconds;
    }
}
