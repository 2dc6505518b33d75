using VibePN.Bench.Hosts;
using VibePN.Bench.Measures;
using VibePN.Bench.Report;
using VibePN.Bench.Scenes;
using VibePN.E2E.Harness;

namespace VibePN.Bench;

/// <summary>Whether a run would work here, in seconds and without any VPN: hosts, iperf3, ping, the relay's delay and loss, the report.</summary>
internal static class SelfCheck
{
    private const int Port = 51_999;
    private const double DelayMillis = 20;

    public static int Execute()
    {
        Bed.RemoveLeftovers();
        using Bed bed = new();
        try
        {
            var left = bed.AddHost("left");
            var relayHost = bed.AddHost("relay");
            var right = bed.AddHost("right");
            left.Connect("wire", "198.51.100.1", relayHost, "left", "198.51.100.254");
            right.Connect("wire", "203.0.113.1", relayHost, "right", "203.0.113.254");
            using (Iperf iperf = new(left, relayHost))
            {
                Check("iperf3 over a cable", iperf.Tcp("198.51.100.254", new Times(1, 0)).BitsPerSecond > 1e6);
            }

            Check("ping over a cable", Pings.Run(left, "198.51.100.254", 0.2).Median > 0);
            using RelayProcess relay = new(relayHost, "198.51.100.254", "203.0.113.254", "198.51.100.1", "203.0.113.1", [Port]);
            relay.Play(FormattableString.Invariant($"delay-ms={DelayMillis / 2}"), "loss=0.2", "seed=7");
            using var here = Libc.UdpSocketIn(left.Namespace, System.Net.Sockets.AddressFamily.InterNetwork);
            using var there = Libc.UdpSocketIn(right.Namespace, System.Net.Sockets.AddressFamily.InterNetwork);
            RelayCheck.Run(here, there, Port, DelayMillis / 2, Check);
            RunResult result = new()
            {
                Started = DateTimeOffset.UtcNow,
                Commit = "none",
                Quick = true,
                Machine = "",
                Seconds = 1,
                OmitSeconds = 0,
                Tunnels = [new TunnelName("raw", "raw veth")],
                Samples = [new Sample(Measure.DirectScene, "raw", Measure.TcpOut.Key, 0, 1.5)],
            };
            var report = BenchRun.Write(RunResult.FromJson(result.ToJson()), Path.Combine(bed.Folder, "report"));
            Check("the report", report.Contains("| TCP, 1 flow, out, Gbit/s | 1.50 |", StringComparison.Ordinal));
            return 0;
        }
        catch (Exception exception) when (exception is InvalidOperationException or TimeoutException or System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }

    private static void Check(string what, bool holds)
    {
        Console.WriteLine($"{(holds ? "works" : "FAILS")}: {what}");
        if (!holds)
        {
            throw new InvalidOperationException($"the self-check of {what} failed");
        }
    }
}
