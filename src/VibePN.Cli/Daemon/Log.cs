using Microsoft.Extensions.Logging;

namespace VibePN.Cli.Daemon;

/// <summary>Log lines of the daemon around the node. Ids are stable.</summary>
internal static partial class Log
{
    [LoggerMessage(200, LogLevel.Information, "vibepn {Version} is up as {Name}, fingerprint {Fingerprint}, socket {Path}")]
    public static partial void Started(ILogger logger, string version, string name, string fingerprint, string path);

    [LoggerMessage(201, LogLevel.Information, "Stopping: {Reason}")]
    public static partial void Stopping(ILogger logger, string reason);

    [LoggerMessage(202, LogLevel.Information, "Stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(203, LogLevel.Warning, "{Reason}")]
    public static partial void ConfigWarning(ILogger logger, string reason);

    [LoggerMessage(204, LogLevel.Information, "{Change} asked for by pid {Pid}, uid {Uid} ({User})")]
    public static partial void ChangeAsked(ILogger logger, string change, int pid, uint uid, string user);

    [LoggerMessage(205, LogLevel.Error, "Local API: {Path} failed")]
    public static partial void RequestFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(206, LogLevel.Error, "The node did not stop within {Seconds} s; leaving anyway")]
    public static partial void StopTooSlow(ILogger logger, double seconds);
}
