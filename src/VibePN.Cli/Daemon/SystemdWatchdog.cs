using System.Globalization;

namespace VibePN.Cli.Daemon;

/// <summary>
/// The service manager's watchdog (sd_watchdog_enabled(3)): it is told that the daemon is alive by the packet loop itself, so a loop that hangs gets the
/// daemon killed and started again, whatever the other threads still do. Without a watchdog, does nothing.
/// </summary>
internal sealed class SystemdWatchdog : IAsyncDisposable
{
    /// <summary>One that is late by half of the time is still in time.</summary>
    private const int PingsPerTimeout = 4;

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    private SystemdWatchdog(TimeSpan timeout, Func<Task> turn, Action alive, TimeProvider clock) => _run = RunAsync(timeout / PingsPerTimeout, turn, alive, clock);

    /// <param name="turn">Ends when the loop has taken a turn; throws <see cref="InvalidOperationException"/> when it has ended.</param>
    public static SystemdWatchdog? Start(Func<Task> turn, TimeProvider clock) =>
        Timeout(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID"), Environment.ProcessId) is { } timeout
            ? Start(timeout, turn, SystemdNotifier.Alive, clock)
            : null;

    /// <param name="timeout">Of the watchdog.</param>
    /// <param name="turn">As above.</param>
    /// <param name="alive">Tells the watchdog.</param>
    internal static SystemdWatchdog Start(TimeSpan timeout, Func<Task> turn, Action alive, TimeProvider clock) => new(timeout, turn, alive, clock);

    /// <returns>Null: none, or it is meant for another process.</returns>
    internal static TimeSpan? Timeout(string? microseconds, string? pid, int self) =>
        long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long time)
        && time is > 0 and <= int.MaxValue * TimeSpan.MicrosecondsPerMillisecond
        && (string.IsNullOrEmpty(pid) || pid == self.ToString(CultureInfo.InvariantCulture))
            ? TimeSpan.FromMicroseconds(time)
            : null;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    private async Task RunAsync(TimeSpan pause, Func<Task> turn, Action alive, TimeProvider clock)
    {
        try
        {
            while (true)
            {
                await turn().WaitAsync(_stop.Token);
                alive();
                await Task.Delay(pause, clock, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
        catch (InvalidOperationException)
        {
            // The loop has ended: the daemon ends, too, and says why.
        }
    }
}
