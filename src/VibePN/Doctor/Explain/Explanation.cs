using System.Net;
using VibePN.Api;
using VibePN.Doctor.Facts;
using VibePN.Linux;

namespace VibePN.Doctor.Explain;

/// <summary><c>vibepn explain</c>: looks, then judges.</summary>
public static class Explanation
{
    private const int EInval = 22;
    private const int EAcces = 13;

    private static readonly TimeSpan DaemonTime = TimeSpan.FromSeconds(2);

    /// <inheritdoc cref="Checkup.RunAsync"/>
    /// <param name="address">Whose way is sought.</param>
    public static async Task<ExplainDto> RunAsync(IPAddress address, string configPath, string? socketPath, string version, TimeProvider clock)
    {
        HostFacts host = await FactReader.ReadAsync(Path.GetFullPath(configPath), socketPath, version, clock).ConfigureAwait(false);
        IReadOnlyList<RouteDto> routes = host is { Daemon.Status: not null, Socket: { } socket } ? await ReadRoutesAsync(socket.Path, clock).ConfigureAwait(false) : [];
        (HostPath? path, string? problem) = FindPath(address);
        return Judge(new ExplainFacts(address, host, routes, path, problem));
    }

    /// <summary>Pure.</summary>
    internal static ExplainDto Judge(ExplainFacts facts) => new WayOut(facts).Explain();

    private static async Task<IReadOnlyList<RouteDto>> ReadRoutesAsync(string socket, TimeProvider clock)
    {
        try
        {
            ApiClient client = new(socket);
            using CancellationTokenSource limit = new(DaemonTime, clock);
            return (await client.GetRoutesAsync(limit.Token).ConfigureAwait(false)).Routes;
        }
        catch (Exception failure) when (failure is ApiException or OperationCanceledException)
        {
            // It answered a moment ago: it is just ending.
            return [];
        }
    }

    private static (HostPath? Path, string? Problem) FindPath(IPAddress address)
    {
        try
        {
            using HostNetwork host = new();
            (HostPath? path, int errno) = host.FindPath(address);
            return (path, errno switch
            {
                0 => null,
                EInval => "a blackhole route takes it",
                EAcces => "a prohibit route forbids it",
                _ => "there is no route to it",
            });
        }
        catch (LinuxException failure)
        {
            return (null, failure.Message);
        }
    }
}
