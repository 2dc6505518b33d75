using Microsoft.Extensions.Logging;
using VibePN.Metrics;

namespace VibePN.Cli.Daemon;

/// <summary>Sends metrics to the collector that the config names, if it names one. What goes wrong is a warning, and is tried again. For any thread.</summary>
internal sealed class MetricsPush(MetricsSource source, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _turn = new(1);
    private CancellationTokenSource? _stop;
    private Task _sending = Task.CompletedTask;
    private Uri? _collector;
    private volatile string? _problem;

    public IReadOnlyList<string> Warnings => _problem is { } problem ? [problem] : [];

    /// <summary>Another collector, or none.</summary>
    public async Task SendToAsync(Uri? collector)
    {
        await _turn.WaitAsync();
        try
        {
            if (collector == _collector)
            {
                return;
            }

            await StopAsync();
            _collector = collector;
            if (collector is not null)
            {
                _stop = new CancellationTokenSource();
                _sending = SendAsync(collector, _stop.Token);
                Log.MetricsSent(logger, collector);
            }
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    public async ValueTask DisposeAsync() => await SendToAsync(null);

    private async Task StopAsync()
    {
        if (_stop is { } stop)
        {
            await stop.CancelAsync();
            await _sending;
            stop.Dispose();
            _stop = null;
            _problem = null;
        }
    }

    /// <summary>Never fails.</summary>
    private async Task SendAsync(Uri collector, CancellationToken stop)
    {
        try
        {
            using PeriodicTimer timer = new(s_period, clock);
            do
            {
                string? reason = await OtlpClient.SendAsync(collector, await source.OtlpAsync(), stop);
                string? problem = reason is null ? null : $"metrics do not get to the collector at {collector}: {reason}; tried again every {s_period.TotalSeconds} s";
                if (problem is not null && _problem is null)
                {
                    Log.ConfigWarning(logger, problem);
                }

                _problem = problem;
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException)
        {
            // Another collector, or the end.
        }
        catch (InvalidOperationException)
        {
            // The node has stopped.
        }
    }
}
