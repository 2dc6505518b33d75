using Microsoft.Extensions.Logging;

namespace VibePN.Cli.Daemon;

/// <summary>
/// Log lines on standard error. Under systemd each begins with its priority (sd-daemon(3)), and the journal adds the time; elsewhere
/// with time and level. An exception follows on lines of its own.
/// </summary>
internal sealed class StderrLoggerProvider(TextWriter output, bool journal, LogThreshold threshold, TimeProvider clock) : ILoggerProvider
{
    private readonly TextWriter _output = TextWriter.Synchronized(output);

    public static StderrLoggerProvider Create(LogThreshold threshold) =>
        new(Console.Error, journal: !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("JOURNAL_STREAM")), threshold, TimeProvider.System);

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void Dispose()
    {
    }

    private bool IsWritten(LogLevel level) => level != LogLevel.None && level >= threshold.Level;

    private void Write(LogLevel level, string message, Exception? exception)
    {
        string prefix = journal ? $"<{Priority(level)}>" : $"{clock.GetLocalNow():yyyy-MM-dd HH:mm:ss.fff} {Word(level)} ";
        string text = exception is null ? message : $"{message}\n{exception}";
        // One write: lines of two threads do not mix. Control characters came from elsewhere.
        _output.Write(string.Concat(text.Split('\n').Select(line => $"{prefix}{string.Concat(line.Select(c => char.IsControl(c) ? '?' : c))}\n")));
    }

    /// <summary>syslog(3)</summary>
    private static int Priority(LogLevel level) => level switch
    {
        LogLevel.Critical => 2,
        LogLevel.Error => 3,
        LogLevel.Warning => 4,
        LogLevel.Information => 6,
        _ => 7,
    };

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Critical => "crit ",
        LogLevel.Error => "error",
        LogLevel.Warning => "warn ",
        LogLevel.Information => "info ",
        _ => "debug",
    };

    private sealed class Logger(StderrLoggerProvider provider) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => provider.IsWritten(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                provider.Write(logLevel, formatter(state, exception), exception);
            }
        }
    }
}
