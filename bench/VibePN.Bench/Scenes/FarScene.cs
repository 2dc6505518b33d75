using System.Globalization;
using VibePN.Bench.Hosts;
using VibePN.Bench.Measures;
using VibePN.Bench.Report;
using VibePN.Bench.Tunnels;

namespace VibePN.Bench.Scenes;

/// <summary>Two hosts with 25 ms each way and some loss between them, played by the relay. One TCP flow, from left to right.</summary>
internal static class FarScene
{
    private const string Left = "198.51.100.1";
    private const string RelayLeft = "198.51.100.254";
    private const string Right = "203.0.113.1";
    private const string RelayRight = "203.0.113.254";
    private const string PingedControl = "cubic";
    private const double PingedPercent = 1;
    private const double Mega = 1e6;
    private const int SettleMillis = 500;

    public static void Run(Recorder recorder, Bed bed, BenchOptions options, IReadOnlyList<TunnelKind> kinds)
    {
        var hub = bed.AddHost("left");
        var relayHost = bed.AddHost("relay");
        var leaf = bed.AddHost("right");
        hub.Connect("wire", Left, relayHost, "left", RelayLeft);
        leaf.Connect("wire", Right, relayHost, "right", RelayRight);
        using RelayProcess relay = new(relayHost, RelayLeft, RelayRight, Left, Right, [.. kinds.Select((_, number) => Tunnel.PortOf(number))]);
        relay.Play("delay-ms=25");
        using Iperf iperf = new(hub, leaf);
        var tunnels = recorder.Start(new Star(Measure.FarScene, bed.Folder, hub, [new Leg(leaf, RelayLeft, RelayRight)]), kinds);
        try
        {
            recorder.RunAll(Measure.FarScene, [.. Steps(recorder, relay, iperf, hub, tunnels, options)]);
        }
        finally
        {
            tunnels.ForEach(tunnel => tunnel.Dispose());
        }
    }

    private static IEnumerable<Step> Steps(
        Recorder recorder, RelayProcess relay, Iperf iperf, BenchHost hub, List<Tunnel> tunnels, BenchOptions options)
    {
        var controls = Measure.CongestionControls.Where(control => IsAvailable(control, recorder)).ToList();
        foreach (var percent in options.LossPercents)
        {
            foreach (var tunnel in tunnels.Where(_ => controls.Count > 0))
            {
                // The line is as it is for long: whoever adapts to it has met it before it is measured.
                yield return new Step(tunnel, string.Create(CultureInfo.InvariantCulture, $"meets {percent} % loss"), 0, () =>
                {
                    _ = Measured(relay, iperf, tunnel, controls[0], percent, seed: 0, options);
                    return [];
                });
            }

            for (var round = 0; round < options.OtherRounds; round++)
            {
                foreach (var step in Round(relay, iperf, hub, tunnels, options, controls, percent, round))
                {
                    yield return step;
                }
            }
        }
    }

    private static IEnumerable<Step> Round(
        RelayProcess relay, Iperf iperf, BenchHost hub, List<Tunnel> tunnels, BenchOptions options, List<string> controls, double percent, int round)
    {
        foreach (var control in controls)
        {
            foreach (var tunnel in tunnels)
            {
                yield return new Step(
                    tunnel,
                    string.Create(CultureInfo.InvariantCulture, $"{control}, {percent} % loss"),
                    round,
                    () => Measured(relay, iperf, tunnel, control, percent, seed: round + 1, options));
            }
        }

        foreach (var tunnel in tunnels.Where(_ => percent == PingedPercent && controls.Contains(PingedControl)))
        {
            yield return new Step(tunnel, "ping beside a flow", round, () => Pinged(relay, iperf, hub, tunnel, options));
        }
    }

    /// <summary>The relay begins anew, so that every tunnel meets the same losses by number.</summary>
    private static IReadOnlyList<(Measure, double)> Measured(
        RelayProcess relay, Iperf iperf, Tunnel tunnel, string control, double percent, int seed, BenchOptions options)
    {
        relay.Play(
            "delay-ms=25",
            string.Create(CultureInfo.InvariantCulture, $"loss={percent / 100}"),
            string.Create(CultureInfo.InvariantCulture, $"seed={seed * 2}"));
        E2E.Harness.Wait.For(TimeSpan.FromMilliseconds(SettleMillis));
        var result = iperf.Tcp(tunnel.Inside(1), options.FarTimes, congestionControl: control);
        return [(Measure.Far(control, percent), result.BitsPerSecond / Mega)];
    }

    /// <summary>Follows the flows at this loss: what repair there is, is in use.</summary>
    private static IReadOnlyList<(Measure, double)> Pinged(RelayProcess relay, Iperf iperf, BenchHost hub, Tunnel tunnel, BenchOptions options)
    {
        relay.Play("delay-ms=25", string.Create(CultureInfo.InvariantCulture, $"loss={PingedPercent / 100}"));
        E2E.Harness.Wait.For(TimeSpan.FromMilliseconds(SettleMillis));
        var alone = Pings.Run(hub, tunnel.Inside(1), options.PingSeconds);
        var load = iperf.StartTcp(tunnel.Inside(1), PingedControl);
        try
        {
            E2E.Harness.Wait.For(TimeSpan.FromSeconds(options.FarTimes.OmitSeconds));
            var beside = Pings.Run(hub, tunnel.Inside(1), options.PingSeconds * 2);
            return load.HasExited
                ? throw new InvalidOperationException($"the load ended: {load.Errors}")
                : [(Measure.FarPingIdle, alone.Median), (Measure.FarPing, beside.Median), (Measure.FarPingP95, beside.P95)];
        }
        finally
        {
            load.Dispose();
            iperf.Restart();
        }
    }

    private static bool IsAvailable(string control, Recorder recorder)
    {
        const string File_ = "/proc/sys/net/ipv4/tcp_available_congestion_control";
        if (File.Exists(File_) && File.ReadAllText(File_).Split([' ', '\n']).Contains(control))
        {
            return true;
        }

        recorder.Note($"TCP {control} is left out: this kernel does not have it (`modprobe tcp_{control}` may load it).");
        return false;
    }
}
