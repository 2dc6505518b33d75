using VibePN.Bench.Hosts;
using VibePN.Bench.Measures;
using VibePN.Bench.Report;
using VibePN.Bench.Tunnels;

namespace VibePN.Bench.Scenes;

/// <summary>Two hosts and a cable: what a VPN costs when the line is no limit. All tunnels are up all the time; measured in turns.</summary>
internal static class DirectScene
{
    private const double Giga = 1e9;
    private const double Kilo = 1e3;
    private const int LoadSettleMillis = 1_000;

    public static void Run(Recorder recorder, Bed bed, BenchOptions options, IReadOnlyList<TunnelKind> kinds)
    {
        var hub = bed.AddHost("left");
        var leaf = bed.AddHost("right");
        hub.Connect("wire", "192.0.2.1", leaf, "wire", "192.0.2.2");
        using Iperf iperf = new(hub, leaf);
        var tunnels = recorder.Start(new Star(Measure.DirectScene, bed.Folder, hub, [new Leg(leaf, "192.0.2.2", "192.0.2.1")]), kinds);
        foreach (var tunnel in tunnels.OfType<VibeTunnel>())
        {
            recorder.Result.Versions.Add($"{tunnel.Kind.Name} seals packets with {tunnel.PacketProtection()}");
        }

        try
        {
            List<Step> steps = [];
            for (var round = 0; round < options.Rounds; round++)
            {
                foreach (var tunnel in tunnels.Where(tunnel => round < options.OtherRounds || options.Deciding.Contains(tunnel.Kind.Key)))
                {
                    steps.AddRange(Round(tunnel, iperf, options, round));
                }
            }

            recorder.RunAll(Measure.DirectScene, steps);
        }
        finally
        {
            tunnels.ForEach(tunnel => tunnel.Dispose());
        }
    }

    private static IEnumerable<Step> Round(Tunnel tunnel, Iperf iperf, BenchOptions options, int round)
    {
        var target = tunnel.Inside(1);
        var hub = tunnel.Star.Hub;
        var isRaw = tunnel.Kind.Key == TunnelKind.Raw;
        if (round < options.OtherRounds)
        {
            yield return new Step(tunnel, "ping idle", round, () => [(Measure.PingIdle, Pings.Run(hub, target, options.PingSeconds).Median)]);
        }

        yield return new Step(tunnel, "TCP out", round, () => Tcp(Measure.TcpOut, 1, reverse: false));
        yield return new Step(tunnel, "TCP in", round, () => Tcp(Measure.TcpIn, 1, reverse: true));
        if (round >= options.OtherRounds)
        {
            yield break;
        }

        yield return new Step(tunnel, "ping under load", round, PingUnderLoad);
        yield return new Step(tunnel, "4 TCP out", round, () => Tcp(Measure.Tcp4Out, 4, reverse: false));
        yield return new Step(tunnel, "4 TCP in", round, () => Tcp(Measure.Tcp4In, 4, reverse: true));
        yield return new Step(tunnel, "UDP 1200", round, () => [(Measure.Udp1200, iperf.Udp(target, options.Times, 1200).PacketsPerSecond / Kilo)]);
        yield return new Step(tunnel, "UDP 64", round, () => [(Measure.Udp64, iperf.Udp(target, options.Times, 64).PacketsPerSecond / Kilo)]);
        if (!isRaw)
        {
            yield return new Step(tunnel, "memory", round, () => [(Measure.Memory, ProcessUsage.LargestResidentMiB(tunnel.Processes))]);
        }

        IReadOnlyList<(Measure, double)> Tcp(Measure measure, int flows, bool reverse)
        {
            var before = ProcessUsage.CpuSeconds(tunnel.Processes);
            var iperfResult = iperf.Tcp(target, options.Times, flows, reverse);
            var cpu = ProcessUsage.CpuSeconds(tunnel.Processes) - before;
            (Measure, double) speed = (measure, iperfResult.BitsPerSecond / Giga);
            return flows > 1 || isRaw || iperfResult.BytesInAll == 0 ? [speed] : [speed, (Measure.CpuPerGb, cpu / (iperfResult.BytesInAll / Giga))];
        }

        IReadOnlyList<(Measure, double)> PingUnderLoad()
        {
            var load = iperf.StartTcp(target);
            try
            {
                E2E.Harness.Wait.For(TimeSpan.FromMilliseconds(LoadSettleMillis));
                var pings = Pings.Run(hub, target, options.PingSeconds * 2);
                return load.HasExited
                    ? throw new InvalidOperationException($"the load ended: {load.Errors}")
                    : [(Measure.PingLoad, pings.Median), (Measure.PingLoadP99, pings.P99)];
            }
            finally
            {
                load.Dispose();
                iperf.Restart();
            }
        }
    }
}
