using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace VibePN.E2E.Harness;

/// <summary>What a host and a daemon say of themselves, for tests that compare.</summary>
internal static class HostViews
{
    /// <summary>Links, addresses, routes and rules, all of them.</summary>
    public static string NetworkState(this TestHost host) => string.Concat(
        host.Ip("-o", "link", "show"),
        host.Ip("-o", "address", "show"),
        host.Routes(),
        host.Ip("-4", "rule", "show"),
        host.Ip("-6", "rule", "show"));

    /// <summary>Packets that a daemon has given to the host on its interface.</summary>
    public static long PacketsFromTunnel(this TestHost host, string link) =>
        JsonNode.Parse(host.Ip("-s", "-j", "link", "show", "dev", link))![0]!["stats64"]!["rx"]!["packets"]!.GetValue<long>();

    public static long Drops(this TestNode node, string reason) => node.Status()["drops"]![reason]?.GetValue<long>() ?? 0;

    /// <summary>Of the daemon, right now, as the kernel counts.</summary>
    public static long ResidentBytes(this TestNode node)
    {
        string line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{node.Daemon.Id}/status"))
            .First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>Time that all threads of the daemon have run.</summary>
    public static double CpuSeconds(this TestNode node)
    {
        // In nanoseconds where the kernel counts so, otherwise in its ticks.
        string[] tasks = Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{node.Daemon.Id}/task"));
        using Process process = Process.GetProcessById(node.Daemon.Id);
        return File.Exists(tasks[0] + "/schedstat")
            ? tasks.Sum(task => long.Parse(File.ReadAllText(task + "/schedstat").Split(' ')[0], CultureInfo.InvariantCulture)) / 1e9
            : process.TotalProcessorTime.TotalSeconds;
    }

    public static int Connections(this TestNode node) => node.Status()["connections"]!.GetValue<int>();

    public static IReadOnlyList<string> AddressesIn(this TestNode node, string network) =>
        [.. node.Status()["networks"]!.AsArray().Single(one => one!["name"]!.GetValue<string>() == network)!["addresses"]!.AsArray()
            .Select(address => address!.GetValue<string>())];

    public static JsonNode? RouteTo(this TestNode node, string prefix) =>
        node.Json("routes")["routes"]!.AsArray().FirstOrDefault(route => route!["prefix"]!.GetValue<string>() == prefix);

    public static void WaitUntilItAnswers(this TestNode node) =>
        Wait.Until(TimeSpan.FromSeconds(20), $"the daemon of {node.Name} answers", () =>
            node.Daemon.HasExited
                ? throw new InvalidOperationException($"the daemon of {node.Name} ended with {node.Daemon.ExitCode}\n{string.Join('\n', node.LogLines)}")
                : File.Exists(node.SocketPath) && node.Control("status", "--json").ExitCode == 0);

    /// <summary>Sends so many echo requests, and counts.</summary>
    public static (int Sent, int Answered) Pings(this TestHost host, int count, string address, params string[] options)
    {
        Outcome ping = host.Run(["ping", "-n", "-q", "-c", count.ToString(CultureInfo.InvariantCulture), "-i", "0.02", "-W", "1", .. options, address]);
        return PingRun.CountsOf(ping.Everything);
    }

    /// <summary>A packet goes through and back.</summary>
    public static void WaitForPing(this TestHost host, string address) =>
        Wait.Until(TimeSpan.FromSeconds(20), $"a ping from {host.Name} to {address}", () => host.Ping(address));

    /// <summary>Ends the daemon as a service manager does, and waits for it.</summary>
    public static void Stop(this TestNode node)
    {
        node.Daemon.Signal(Signal.Terminate);
        if (!node.Daemon.WaitForExit(TimeSpan.FromSeconds(10)) || node.Daemon.ExitCode != 0)
        {
            throw new InvalidOperationException($"the daemon of {node.Name} did not end cleanly\n{string.Join('\n', node.LogLines)}");
        }
    }

    public static void Kill(this TestNode node)
    {
        node.Daemon.Signal(Signal.Kill);
        node.Daemon.WaitForExit(TimeSpan.FromSeconds(10));
    }
}
