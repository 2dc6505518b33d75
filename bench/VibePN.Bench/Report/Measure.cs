namespace VibePN.Bench.Report;

/// <summary>A figure: how it is called in results, in tables, and in which unit.</summary>
internal sealed record Measure(string Key, string Title, string Unit, bool HigherIsBetter = true)
{
    public const string DirectScene = "direct";
    public const string FarScene = "far";
    public const string HubScene = "hub";

    public static readonly Measure TcpOut = new("tcp1-out", "TCP, 1 flow, out", "Gbit/s");
    public static readonly Measure TcpIn = new("tcp1-in", "TCP, 1 flow, in", "Gbit/s");
    public static readonly Measure Tcp4Out = new("tcp4-out", "TCP, 4 flows, out", "Gbit/s");
    public static readonly Measure Tcp4In = new("tcp4-in", "TCP, 4 flows, in", "Gbit/s");
    public static readonly Measure Udp1200 = new("udp-1200", "UDP 1200 B", "1000 packets/s");
    public static readonly Measure Udp64 = new("udp-64", "UDP 64 B", "1000 packets/s");
    public static readonly Measure PingIdle = new("ping-idle", "ping, idle", "ms", false);
    public static readonly Measure PingLoad = new("ping-load", "ping, under load", "ms", false);
    public static readonly Measure PingLoadP99 = new("ping-load-p99", "the same, p99", "ms", false);
    public static readonly Measure CpuPerGb = new("cpu-per-gb", "processor", "s/GB", false);
    public static readonly Measure Memory = new("memory", "memory", "MiB", false);

    public static readonly Measure AloneTcp = new("alone-tcp", "TCP alone", "Gbit/s");
    public static readonly Measure BesideTcp = new("beside-tcp", "TCP beside the slow peer", "Gbit/s");
    public static readonly Measure AlonePing = new("alone-ping", "ping alone", "ms", false);
    public static readonly Measure BesidePing = new("beside-ping", "ping beside the slow peer", "ms", false);
    public static readonly Measure AlonePingP99 = new("alone-ping-p99", "ping alone, p99", "ms", false);
    public static readonly Measure BesidePingP99 = new("beside-ping-p99", "ping beside the slow peer, p99", "ms", false);

    public static readonly Measure FarPingIdle = new("far-ping", "ping alone, 1 %", "ms", false);
    public static readonly Measure FarPing = new("far-ping-tcp", "ping beside CUBIC, 1 %", "ms", false);
    public static readonly Measure FarPingP95 = new("far-ping-tcp-p95", "the same, p95", "ms", false);

    public static readonly IReadOnlyList<double> LossPercents = [0, 0.1, 1, 3];
    public static readonly IReadOnlyList<string> CongestionControls = ["cubic", "bbr"];

    public static readonly IReadOnlyList<Measure> Direct =
        [TcpOut, TcpIn, Tcp4Out, Tcp4In, Udp1200, Udp64, PingIdle, PingLoad, PingLoadP99, CpuPerGb, Memory];

    public static readonly IReadOnlyList<Measure> Hub = [AloneTcp, BesideTcp, AlonePing, BesidePing, AlonePingP99, BesidePingP99];

    public static readonly IReadOnlyList<Measure> FarPings = [FarPingIdle, FarPing, FarPingP95];

    public static readonly IReadOnlyList<Measure> FarAll = [.. CongestionControls.SelectMany(control => LossPercents.Select(loss => Far(control, loss)))];

    public static Measure Far(string congestionControl, double lossPercent) => new(
        FormattableString.Invariant($"{congestionControl}-loss{lossPercent}"),
        FormattableString.Invariant($"{congestionControl.ToUpperInvariant()}, {lossPercent} %"),
        "Mbit/s");
}
