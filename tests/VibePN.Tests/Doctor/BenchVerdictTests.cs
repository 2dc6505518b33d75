using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using VibePN.Api;
using VibePN.Doctor.Bench;
using Xunit;

namespace VibePN.Tests.Doctor;

/// <summary>Every verdict of <see cref="BenchVerdict"/>, from figures that show it and nothing else.</summary>
public sealed class BenchVerdictTests
{
    private static readonly BenchEndDto Clean = End();

    [Fact]
    public void Line_AsFastInsideAsOutside_IsTheLineBothWays()
    {
        BenchDto answer = Judge(Flows(95, 97));
        Assert.StartsWith("both ways: the line itself", answer.Answer, StringComparison.Ordinal);
        Assert.Contains(answer.Steps, step => step is { Check: "line", Severity: FindingSeverity.Ok } && step.What.Contains("95 Mbit/s inside, 97 Mbit/s outside (98 %)", StringComparison.Ordinal));
        Assert.DoesNotContain(answer.Steps, step => step.Severity > FindingSeverity.Info);
    }

    [Theory]
    [InlineData(0.95, 0.1, 0.5, 0.1, "the processor of this node")]
    [InlineData(0.1, 0.95, 0.5, 0.1, "the processor of two")]
    [InlineData(0.5, 0.1, 0.99, 0.1, "the processors of this node, all")]
    [InlineData(0.5, 0.1, 0.1, 0.99, "the processors of two, all")]
    public void Processor_WhoeverIsBusy_IsNamed(double daemonHere, double daemonThere, double busyHere, double busyThere, string expected)
    {
        BenchDto answer = Judge([
            new BenchFlowDto { Inside = true, Protocol = "tcp", Up = true, MegabitsPerSecond = 500, DaemonHere = daemonHere, DaemonThere = daemonThere, BusyHere = busyHere, BusyThere = busyThere },
            new BenchFlowDto { Protocol = "tcp", Up = true, MegabitsPerSecond = 900 }]);
        Assert.Contains(expected, answer.Answer, StringComparison.Ordinal);
        FindingDto step = Assert.Single(answer.Steps, step => step is { Check: "processor", Severity: FindingSeverity.Warning });
        Assert.NotNull(step.Cure);
    }

    [Theory]
    [InlineData(true, "repair was on")]
    [InlineData(false, "repair was off")]
    [InlineData(null, "repair is not to be had")]
    public void Loss_OnTheWayThere_LimitsThatDirectionOnly(bool? repair, string expected)
    {
        BenchDto answer = Judge(Flows(20, 60), here: End(loss: 0.012, repair: repair));
        Assert.StartsWith("up: loss: the path loses 1.2 %; down: neither", answer.Answer, StringComparison.Ordinal);
        FindingDto step = Assert.Single(answer.Steps, step => step is { Check: "loss", Severity: FindingSeverity.Warning });
        Assert.Contains(expected, step.What, StringComparison.Ordinal);
        Assert.NotNull(step.Cure);
    }

    [Theory]
    [InlineData(1200, FindingSeverity.Warning, "the path's size")]
    [InlineData(1392, FindingSeverity.Info, "neither line")]
    [InlineData(1420, FindingSeverity.Ok, "neither line")]
    public void Mtu_BySize_IsAReasonOrAHint(int mtu, FindingSeverity severity, string expected)
    {
        BenchDto answer = Judge(Flows(50, 90), here: End(mtu: mtu), there: End(mtu: mtu));
        Assert.StartsWith($"both ways: {expected}", answer.Answer, StringComparison.Ordinal);
        Assert.Equal(2, answer.Steps.Count(step => step.Check == "mtu" && step.Severity == severity && (step.Cure is null) == (severity == FindingSeverity.Ok)));
    }

    [Fact]
    public void Queue_OfTheTunnelWhileTheLineCouldMore_IsTheCongestionControl()
    {
        BenchDto answer = Judge(Flows(50, 90, loaded: 60), here: End(queue: 45));
        Assert.StartsWith("up: the tunnel's own congestion control", answer.Answer, StringComparison.Ordinal);
        Assert.Contains(answer.Steps, step => step is { Check: "queue" } && step.What.Contains("45.0 ms in the queue of this node", StringComparison.Ordinal));
        // The queue there is empty: what waits on the way down waits in the line.
        Assert.Contains(answer.Steps, step => step is { Check: "delay", Severity: FindingSeverity.Info } && step.What.StartsWith("up", StringComparison.Ordinal));
        Assert.Contains(answer.Steps, step => step is { Check: "delay", Severity: FindingSeverity.Warning } && step.What.StartsWith("down", StringComparison.Ordinal) && step.Cause!.Contains("bufferbloat", StringComparison.Ordinal));
    }

    [Fact]
    public void Window_NothingElseHolds_SaysSoWithWhatIsUnderWay()
    {
        BenchDto answer = Judge(Flows(50, 90));
        Assert.StartsWith("both ways: neither line, processor, loss nor size, so TCP itself", answer.Answer, StringComparison.Ordinal);
        FindingDto step = answer.Steps.First(step => step.Check == "window");
        Assert.Contains("63 kB under way", step.Cause, StringComparison.Ordinal);
        Assert.Contains("tcp_rmem", step.Cure, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutOutside_FullQueueIsTheLineElseUnknown()
    {
        const string Why = "TCP port 51822 of 203.0.113.2 does not answer";
        BenchDto unknown = Judge(Flows(50, null), outsideProblem: Why);
        Assert.StartsWith("both ways: nothing that shows", unknown.Answer, StringComparison.Ordinal);
        FindingDto step = Assert.Single(unknown.Steps, step => step.Check == "outside");
        Assert.Contains(Why, step.What, StringComparison.Ordinal);
        Assert.NotNull(step.Cure);
        Assert.StartsWith(
            "both ways: the line itself, as far as can be told without figures from outside",
            Judge(Flows(50, null, loaded: 80), outsideProblem: Why).Answer,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Offloads_Off_AreNamedWithTheirNode()
    {
        FindingDto step = Assert.Single(Judge(Flows(90, 90), there: End(offloads: ["udpGso", "tcp"])).Steps, step => step.Check == "offloads");
        Assert.StartsWith("two: udpGso, tcp not in use", step.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.0, 0.2, FindingSeverity.Ok)]
    [InlineData(0.05, 0.2, FindingSeverity.Warning)]
    [InlineData(0.0, 15, FindingSeverity.Warning)]
    public void Udp_LossOrJitter_IsAWarning(double loss, double jitter, FindingSeverity severity)
    {
        FindingDto step = Assert.Single(Judge([.. Flows(90, 90), Udp(loss, jitter)]).Steps, step => step.Check == "udp");
        Assert.Equal(severity, step.Severity);
        Assert.Contains("of 1000 datagrams lost", step.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Ended_EarlyOrWithNothing_SaysSo()
    {
        Assert.Equal("ended early; nothing was measured inside of the tunnel", Judge([], complete: false).Answer);
        Assert.StartsWith("the line itself", Judge([.. Flows(90, 90).Where(flow => flow.Up)]).Answer, StringComparison.Ordinal);
        Assert.Contains(Judge(Flows(90, 90), insideProblem: "UDP port 51821 of 10.42.0.2 does not answer").Steps, step => step is { Check: "inside", Severity: FindingSeverity.Warning });
    }

    [Fact]
    public void Json_ByHand_IsWhatTheSerializerWrites()
    {
        JsonSerializerOptions options = new(ApiJson.Readable.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver(), Converters = { new JsonStringEnumConverter() } };
        Assert.All(
            [
                Judge([.. Flows(95.5, 97), Udp(0.05, 0.125)], there: End(loss: 0.1, offloads: ["udpGso", "tcp"]), insideProblem: "\"a\" <b> 'ü'", outsideProblem: "c"),
                new BenchDto { Peer = "two", Address = "10.42.0.2", Steps = [new FindingDto { Severity = FindingSeverity.Error, Check = "a", What = "b", Cause = "c", Cure = "d", Place = "e" }] },
            ],
            answer => Assert.Equal(JsonSerializer.Serialize(answer, options), BenchJson.Write(answer)));
    }

    private static BenchDto Judge(
        IReadOnlyList<BenchFlowDto> flows, BenchEndDto? here = null, BenchEndDto? there = null, string? insideProblem = null, string? outsideProblem = null, bool complete = true)
    {
        List<FindingDto> steps = [];
        BenchDto measured = new()
        {
            Peer = "two",
            Address = "10.42.0.2",
            Outside = "203.0.113.2",
            InsideProblem = insideProblem,
            OutsideProblem = outsideProblem,
            Seconds = 5,
            Complete = complete,
            IdleMillis = 10,
            OutsideIdleMillis = 10,
            Flows = flows,
            Here = here ?? Clean,
            There = there ?? Clean,
            Steps = steps,
        };
        measured.Answer = BenchVerdict.Judge(measured, steps);
        return measured;
    }

    /// <summary>TCP, the same both ways.</summary>
    private static List<BenchFlowDto> Flows(double inside, double? outside, double loaded = 12)
    {
        List<BenchFlowDto> flows = [];
        foreach (bool up in new[] { true, false })
        {
            flows.Add(new BenchFlowDto { Inside = true, Protocol = "tcp", Up = up, MegabitsPerSecond = inside, LoadedMillis = loaded, LoadedP95Millis = loaded, DaemonHere = 0.2, DaemonThere = 0.2, BusyHere = 0.2, BusyThere = 0.2 });
            if (outside is { } rate)
            {
                flows.Add(new BenchFlowDto { Protocol = "tcp", Up = up, MegabitsPerSecond = rate, LoadedMillis = 12 });
            }
        }

        return flows;
    }

    private static BenchFlowDto Udp(double loss, double jitter) =>
        new() { Inside = true, Protocol = "udp", Up = true, MegabitsPerSecond = 50, Sent = 1000, Received = 950, Loss = loss, JitterMillis = jitter, Reordered = 3 };

    private static BenchEndDto End(int mtu = 1420, double loss = 0, bool? repair = false, double queue = 1, string[]? offloads = null) =>
        new() { MtuBytes = mtu, Loss = loss, Repair = repair, QueueMillis = queue, OffloadsOff = offloads ?? [] };
}
