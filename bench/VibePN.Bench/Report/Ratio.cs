using VibePN.Bench.Tunnels;

namespace VibePN.Bench.Report;

/// <summary>A figure of VibePN set against another of the same run, which is what holds from machine to machine.</summary>
/// <param name="Goal">For people.</param>
internal sealed record Ratio(string Key, string Title, double Value, string Goal)
{
    /// <summary>Those whose both sides were measured.</summary>
    public static IReadOnlyList<Ratio> All(RunResult run)
    {
        Ratio[] all =
        [
            new("raw", "TCP, 1 flow, worse direction ÷ raw veth", Worse(TunnelKind.VibePN) / Worse(TunnelKind.Raw), "≥ 0.33, better 0.38"),
            new("wg", "TCP, 1 flow, worse direction ÷ wireguard-go", Worse(TunnelKind.VibePN) / Worse(TunnelKind.WireGuard), "≥ 2.0, better 2.5"),
            new("udp1200", "UDP 1200 B ÷ wireguard-go", Over(Measure.DirectScene, Measure.Udp1200), "≥ 2.5"),
            new("udp64", "UDP 64 B ÷ wireguard-go", Over(Measure.DirectScene, Measure.Udp64), "≥ 4"),
            new("ping", "idle ping ÷ wireguard-go", Over(Measure.DirectScene, Measure.PingIdle), "≤ 0.6"),
            new("load", "ping under load, ms", run.Median(Measure.DirectScene, TunnelKind.VibePN, Measure.PingLoad.Key), "≤ 1.5"),
            new("cpu", "processor per GB ÷ wireguard-go", Over(Measure.DirectScene, Measure.CpuPerGb), "≤ 0.5"),
            new("cubic1", "50 ms, 1 % loss, CUBIC ÷ wireguard-go", Over(Measure.FarScene, Measure.Far("cubic", 1)), "≥ 15"),
            new("bbr1", "50 ms, 1 % loss, BBR ÷ wireguard-go", Over(Measure.FarScene, Measure.Far("bbr", 1)), "≥ 0.95"),
            new("cubic3", "50 ms, 3 % loss, CUBIC ÷ wireguard-go", Over(Measure.FarScene, Measure.Far("cubic", 3)), "≥ 5"),
            new("bbr3", "50 ms, 3 % loss, BBR ÷ wireguard-go", Over(Measure.FarScene, Measure.Far("bbr", 3)), "stated"),
            new("fair", "TCP to the fast peer, slow peer loaded ÷ idle", Of(Measure.BesideTcp) / Of(Measure.AloneTcp), "near 1"),
        ];
        return [.. all.Where(ratio => double.IsFinite(ratio.Value))];

        double Worse(string tunnel) => Math.Min(
            run.Median(Measure.DirectScene, tunnel, Measure.TcpOut.Key),
            run.Median(Measure.DirectScene, tunnel, Measure.TcpIn.Key));

        double Over(string scene, Measure measure) =>
            run.Median(scene, TunnelKind.VibePN, measure.Key) / run.Median(scene, TunnelKind.WireGuard, measure.Key);

        double Of(Measure measure) => run.Median(Measure.HubScene, TunnelKind.VibePN, measure.Key);
    }
}
