using Microsoft.Extensions.Logging;

namespace VibePN.Cli.Daemon;

/// <summary>From which level on lines are written; changed while the daemon runs, for good or for a while. Any thread.</summary>
internal sealed class LogThreshold(TimeProvider clock) : IDisposable
{
    /// <summary>What a daemon starts with, and comes back to after a while.</summary>
    public const LogLevel Usual = LogLevel.Information;

    private readonly Lock _lock = new();
    private volatile int _level = (int)Usual;
    private ITimer? _return;
    private DateTimeOffset? _until;

    public LogLevel Level => (LogLevel)_level;

    /// <summary>When <see cref="Usual"/> comes back; null: it does not by itself.</summary>
    public DateTimeOffset? UntilUtc
    {
        get
        {
            lock (_lock)
            {
                return _until;
            }
        }
    }

    /// <param name="level">The lowest that is written.</param>
    /// <param name="time">After which the usual one comes back; null: until it is changed again.</param>
    public void Set(LogLevel level, TimeSpan? time)
    {
        lock (_lock)
        {
            _return?.Dispose();
            _level = (int)level;
            _until = time is { } span ? clock.GetUtcNow() + span : null;
            _return = time is { } due ? clock.CreateTimer(_ => Return(), null, due, Timeout.InfiniteTimeSpan) : null;
        }
    }

    public void Dispose() => _return?.Dispose();

    private void Return()
    {
        lock (_lock)
        {
            // A change that came meanwhile has its own time.
            if (_until is { } until && clock.GetUtcNow() >= until)
            {
                _level = (int)Usual;
                _until = null;
            }
        }
    }
}
