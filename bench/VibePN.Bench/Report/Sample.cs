namespace VibePN.Bench.Report;

/// <summary>One raw value.</summary>
/// <param name="Scene">direct, far or hub.</param>
/// <param name="Tunnel">The key of its <see cref="Tunnels.TunnelKind"/>.</param>
/// <param name="Measure">The key of its <see cref="Report.Measure"/>.</param>
internal sealed record Sample(string Scene, string Tunnel, string Measure, int Round, double Value);
