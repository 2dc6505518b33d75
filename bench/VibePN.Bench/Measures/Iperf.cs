using System.Globalization;
using VibePN.Bench.Hosts;
using VibePN.E2E.Harness;

namespace VibePN.Bench.Measures;

/// <summary>A server of iperf3 on one host, and clients on another.</summary>
internal sealed class Iperf : IDisposable
{
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(5);

    private readonly BenchHost _client;
    private readonly BenchHost _server;
    private readonly int _port;
    private RunningProgram _program;

    public Iperf(BenchHost client, BenchHost server, int port = 5201)
    {
        _client = client;
        _server = server;
        _port = port;
        _program = StartServer();
    }

    /// <summary>TCP; <paramref name="reverse"/>: from the server to the client.</summary>
    /// <param name="congestionControl">Of the sender, or null: the kernel's default.</param>
    public IperfResult Tcp(string address, Times times, int flows = 1, bool reverse = false, string? congestionControl = null) => Run(
        times,
        ["-c", address, "-O", Text(times.OmitSeconds), "-P", Text(flows), .. reverse ? ["-R"] : Array.Empty<string>(),
            .. congestionControl is null ? Array.Empty<string>() : ["-C", congestionControl]]);

    /// <summary>UDP as fast as the client can, without an omitted start.</summary>
    public IperfResult Udp(string address, Times times, int payloadBytes) =>
        Run(times, ["-c", address, "-u", "-b", "0", "-l", Text(payloadBytes)]);

    /// <summary>A UDP load that runs until it is disposed.</summary>
    public RunningProgram StartUdp(string address, int payloadBytes, int megabits) => _client.Start(
        "iperf3", "-c", address, "-p", Text(_port), "-u", "-b", Text(megabits) + "M", "-l", Text(payloadBytes), "-t", "600");

    /// <summary>A TCP flow that runs until it is disposed; the server must be made anew after it.</summary>
    /// <param name="congestionControl">Of the sender, or null: the kernel's default.</param>
    public RunningProgram StartTcp(string address, string? congestionControl = null) => _client.Start(
        ["iperf3", "-c", address, "-p", Text(_port), "-t", "600", .. congestionControl is null ? Array.Empty<string>() : ["-C", congestionControl]]);

    /// <summary>A client that was killed leaves the server busy for a while.</summary>
    public void Restart()
    {
        _program.Dispose();
        _program = StartServer();
    }

    public void Dispose() => _program.Dispose();

    private IperfResult Run(Times times, string[] arguments, bool isRepeated = false)
    {
        try
        {
            var limit = TimeSpan.FromSeconds(times.Seconds + times.OmitSeconds) + _grace;
            var outcome = _client.Run(limit, ["iperf3", "-J", "-p", Text(_port), "-t", Text(times.Seconds), .. arguments]);
            return IperfResult.Parse(outcome.Output);
        }
        catch (Exception failure)
        {
            Restart();
            if (isRepeated || !failure.Message.Contains("busy", StringComparison.Ordinal))
            {
                throw;
            }
        }

        // Over a line that loses much, the server may not have heard yet that the last client is gone.
        return Run(times, arguments, isRepeated: true);
    }

    private RunningProgram StartServer()
    {
        var program = _server.Start("iperf3", "-s", "-p", Text(_port), "--forceflush");
        Wait.Until(_startLimit, "iperf3's server", () => program.HasExited || program.Output.Contains("listening", StringComparison.Ordinal));
        return program.HasExited ? throw new InvalidOperationException($"iperf3's server ended\n{program.Errors}") : program;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
