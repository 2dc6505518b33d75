using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace VibePN.Cli.Daemon;

/// <summary>
/// Serves metrics where the config wants it, and moves when that changes. What goes wrong there is a warning and is tried again: packets
/// do not wait for it. For any thread; one change at a time.
/// </summary>
internal sealed class MetricsAddress(MetricsSource source, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1);
    private volatile MetricsServer? _server;
    private volatile string? _problem;
    private volatile IPEndPoint? _wanted;
    private ITimer? _retry;
    private bool _disposed;

    /// <summary>Where it listens now, or null.</summary>
    public IPEndPoint? EndPoint => _server?.EndPoint;

    public IReadOnlyList<string> Warnings => _problem is { } problem ? [problem] : [];

    /// <summary>What would keep an address from being used, as far as can be seen without changing anything; null: nothing.</summary>
    public string? Check(IPEndPoint? wanted)
    {
        // On a port of our own the answer shows only after it is given up.
        if (wanted is null || wanted.Equals(_wanted) || (_server?.EndPoint.Port == wanted.Port))
        {
            return null;
        }

        return Probe(wanted) is { } problem ? $"[node] metrics: {problem}" : null;
    }

    /// <summary>Another address, or none. Never fails: see <see cref="Warnings"/>.</summary>
    public async Task ServeAsync(IPEndPoint? wanted)
    {
        await _turn.WaitAsync();
        try
        {
            if (!_disposed && (!Equals(wanted, _wanted) || _problem is not null))
            {
                await MoveAsync(wanted);
            }
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        _disposed = true;
        _retry?.Dispose();
        if (_server is { } server)
        {
            await server.DisposeAsync();
        }

        _ = _turn.Release();
    }

    private async Task MoveAsync(IPEndPoint? wanted)
    {
        MetricsServer? old = _server;
        if (old is not null && wanted?.Port == old.EndPoint.Port)
        {
            // One port takes no second listener beside one whose address overlaps.
            await old.DisposeAsync();
            old = null;
        }

        string? problem = null;
        MetricsServer? next = null;
        if (wanted is not null)
        {
            (next, problem) = await TryServeAsync(wanted);
        }
        else if (_server is not null)
        {
            Log.MetricsOff(logger);
        }

        if (problem is not null && problem != _problem)
        {
            Log.ConfigWarning(logger, problem);
        }

        _wanted = wanted;
        _server = next;
        _problem = problem;
        if (old is not null)
        {
            await old.DisposeAsync();
        }

        _retry?.Dispose();
        _retry = problem is null ? null : clock.CreateTimer(_ => _ = RetryAsync(), null, RetryTime, Timeout.InfiniteTimeSpan);
    }

    private async Task RetryAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (!_disposed && _problem is not null)
            {
                await MoveAsync(_wanted);
            }
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    private async Task<(MetricsServer? Server, string? Problem)> TryServeAsync(IPEndPoint wanted)
    {
        // A server that cannot listen costs more to make than a socket.
        string? reason = Probe(wanted);
        if (reason is null)
        {
            try
            {
                MetricsServer server = await MetricsServer.StartAsync(wanted, source, logger);
                Log.MetricsServed(logger, server.EndPoint);
                return (server, null);
            }
            catch (Exception failure) when (failure is IOException or SocketException)
            {
                reason = Reason(wanted, failure.GetBaseException() as SocketException ?? failure);
            }
        }

        return (null, $"metrics are not served: {reason}; tried again every {RetryTime.TotalSeconds} s");
    }

    /// <returns>Why nobody could listen there at this moment, or null.</returns>
    private static string? Probe(IPEndPoint wanted)
    {
        using Socket probe = new(wanted.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (wanted.Address.Equals(IPAddress.IPv6Any))
            {
                probe.DualMode = true;
            }

            probe.Bind(wanted);
            probe.Listen();
            return null;
        }
        catch (SocketException failure)
        {
            return Reason(wanted, failure);
        }
    }

    private static string Reason(IPEndPoint wanted, Exception failure) => (failure as SocketException)?.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"{wanted} is in use by another program; end that, or set another address",
        SocketError.AddressNotAvailable => $"{wanted.Address} is no address of this host",
        SocketError.AccessDenied => $"{wanted} may not be used by this user; choose a port from 1024 on",
        _ => $"{wanted} cannot be used: {failure.Message}",
    };
}
