using VibePN.Bench.Hosts;
using VibePN.Bench.Measures;
using VibePN.Bench.Report;
using VibePN.Bench.Tunnels;
using VibePN.E2E.Harness;

namespace VibePN.Bench.Scenes;

/// <summary>
/// A host with two peers, one over a cable, the other over a line of 10 Mbit/s that gets 50: the first must not notice. Its speed and ping,
/// with and without the load on the other.
/// </summary>
internal static class HubScene
{
    private const string HubFast = "192.0.2.1";
    private const string Fast = "192.0.2.2";
    private const string HubSlow = "198.51.100.1";
    private const string RelayLeft = "198.51.100.254";
    private const string Slow = "203.0.113.1";
    private const string RelayRight = "203.0.113.254";
    private const int OfferedMegabits = 50;
    private const int LoadBytes = 1_200;
    private const int SettleMillis = 1_000;
    private const double Giga = 1e9;

    public static void Run(Recorder recorder, Bed bed, BenchOptions options, IReadOnlyList<TunnelKind> kinds)
    {
        var hub = bed.AddHost("left");
        var fast = bed.AddHost("fast");
        var relayHost = bed.AddHost("relay");
        var slow = bed.AddHost("slow");
        hub.Connect("wire", HubFast, fast, "wire", Fast);
        hub.Connect("far", HubSlow, relayHost, "left", RelayLeft);
        slow.Connect("wire", Slow, relayHost, "right", RelayRight);
        using RelayProcess relay = new(relayHost, RelayLeft, RelayRight, HubSlow, Slow, [.. kinds.Select((_, number) => Tunnel.PortOf(number))]);
        relay.Play("delay-ms=10", "rate-mbit=10");
        using Iperf toFast = new(hub, fast);
        using Iperf toSlow = new(hub, slow);
        Star star = new(Measure.HubScene, bed.Folder, hub, [new Leg(fast, Fast, HubFast), new Leg(slow, RelayLeft, RelayRight)]);
        var tunnels = recorder.Start(star, kinds);
        try
        {
            List<Step> steps = [];
            for (var round = 0; round < options.OtherRounds; round++)
            {
                foreach (var tunnel in tunnels)
                {
                    steps.Add(new Step(tunnel, "slow peer idle", round, () => Alone(toFast, tunnel, options)));
                    steps.Add(new Step(tunnel, "slow peer loaded", round, () => Beside(toFast, toSlow, tunnel, options)));
                }
            }

            recorder.RunAll(Measure.HubScene, steps);
        }
        finally
        {
            tunnels.ForEach(tunnel => tunnel.Dispose());
        }
    }

    private static IReadOnlyList<(Measure, double)> Alone(Iperf toFast, Tunnel tunnel, BenchOptions options)
    {
        var tcp = toFast.Tcp(tunnel.Inside(1), options.Times);
        var pings = Pings.Run(tunnel.Star.Hub, tunnel.Inside(1), options.PingSeconds);
        return [(Measure.AloneTcp, tcp.BitsPerSecond / Giga), (Measure.AlonePing, pings.Median), (Measure.AlonePingP99, pings.P99)];
    }

    private static IReadOnlyList<(Measure, double)> Beside(Iperf toFast, Iperf toSlow, Tunnel tunnel, BenchOptions options)
    {
        var load = toSlow.StartUdp(tunnel.Inside(2), LoadBytes, OfferedMegabits);
        try
        {
            Wait.For(TimeSpan.FromMilliseconds(SettleMillis));
            var tcp = toFast.Tcp(tunnel.Inside(1), options.Times);
            var pings = Pings.Run(tunnel.Star.Hub, tunnel.Inside(1), options.PingSeconds);
            return load.HasExited
                ? throw new InvalidOperationException($"the load ended: {load.Errors}")
                : [(Measure.BesideTcp, tcp.BitsPerSecond / Giga), (Measure.BesidePing, pings.Median), (Measure.BesidePingP99, pings.P99)];
        }
        finally
        {
            load.Dispose();
            toSlow.Restart();
        }
    }
}
