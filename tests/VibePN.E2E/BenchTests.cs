using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary><c>bench PEER</c> between two daemons. Figures are looked at for sense, not for speed.</summary>
public sealed class BenchTests(ConnectedPair pair) : IClassFixture<ConnectedPair>
{
    [Fact]
    public void Bench_WithAndWithoutAServer_MeasuresInsideAndOutsideOrSaysWhatToDo()
    {
        Outcome nobody = Bench("two");
        Assert.Equal((1, true), (nobody.ExitCode, nobody.Errors.Contains("run there: vpnctl bench serve", StringComparison.Ordinal)));
        Assert.Equal(2, Bench().ExitCode);
        Assert.Equal((1, true), (Bench("three").ExitCode, Bench("three").Errors.Contains("no peer 'three'", StringComparison.Ordinal)));

        using RunningProgram server = pair.Two.Host.Start(TestBed.Executable, "bench", "serve", "--for", "5m", "--socket", pair.Two.SocketPath);
        Wait.Until(TimeSpan.FromSeconds(20), $"it listens\n{server.Errors}", () => server.Output.Contains("listening on", StringComparison.Ordinal));
        // Inside only, by address and by interface; nothing outside while nobody measures there.
        string listening = pair.Two.Host.Run("ss", "-Hltn").Output;
        Assert.Contains($"{pair.Two.Inner}%{TestNode.Interface}:51821", listening, StringComparison.Ordinal);
        Assert.DoesNotContain(":51822", listening, StringComparison.Ordinal);

        JsonNode answer = Measure("--time", "0.3s", "--udp-rate", "1M");
        Assert.True(answer["complete"]!.GetValue<bool>() && answer["outsideProblem"] is null && answer["insideProblem"] is null, answer.ToJsonString());
        Assert.Equal((pair.Two.Inner, pair.Two.Host.Address), (answer["address"]!.GetValue<string>(), answer["outside"]!.GetValue<string>()));
        JsonArray flows = answer["flows"]!.AsArray();
        Assert.Equal(8, flows.Count);
        Assert.All(flows, flow =>
        {
            Assert.True(flow!["megabitsPerSecond"]!.GetValue<double>() > 0, flow.ToJsonString());
            // What daemons and hosts had to do is known of both ends.
            Assert.True(flow["daemonHere"] is not null && flow["daemonThere"] is not null && flow["busyThere"] is not null, flow.ToJsonString());
        });
        Assert.InRange(answer["there"]!["mtuBytes"]!.GetValue<int>(), 1200, 1500);
        Assert.InRange(answer["idleMillis"]!.GetValue<double>(), 0.01, 5000);
        Assert.NotEmpty(answer["answer"]!.GetValue<string>());

        // A firewall of the peer outside: said, and the figures from inside are there.
        foreach (string rule in new[] { "add table inet bench", "add chain inet bench in { type filter hook input priority 0; }", "add rule inet bench in iifname wire th dport 51822 drop" })
        {
            Outcome outcome = pair.Two.Host.Run("nft", rule);
            Assert.True(outcome.ExitCode == 0, outcome.ToString());
        }

        answer = Measure("--time", "0.1s", "--udp-rate", "1M");
        Assert.Equal(4, answer["flows"]!.AsArray().Count);
        Assert.Equal(
            $"TCP port 51822 of {pair.Two.Host.Address} does not answer; UDP port 51822 of {pair.Two.Host.Address} does not answer",
            answer["outsideProblem"]!.GetValue<string>());

        server.Signal(Signal.Interrupt);
        Assert.True(server.WaitForExit(TimeSpan.FromSeconds(20)), "Ctrl-C ends it");
        Assert.Equal(0, server.ExitCode);
    }

    private JsonNode Measure(params string[] options)
    {
        Outcome outcome = Bench(["two", "--json", .. options]);
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        return JsonNode.Parse(outcome.Output)!;
    }

    private Outcome Bench(params string[] command) => pair.One.Host.Run(TimeSpan.FromMinutes(1), [TestBed.Executable, "bench", .. command, "--socket", pair.One.SocketPath]);
}
