using System.Net;
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

    [LoggerMessage(204, LogLevel.Information, "{Change} asked for by {Caller}")]
    public static partial void ChangeAsked(ILogger logger, string change, string caller);

    [LoggerMessage(205, LogLevel.Error, "Local API: {Path} failed")]
    public static partial void RequestFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(206, LogLevel.Error, "The node did not stop within {Seconds} s; leaving anyway")]
    public static partial void StopTooSlow(ILogger logger, double seconds);

    [LoggerMessage(218, LogLevel.Information, "Log level {Level}, set by {Caller}")]
    public static partial void LogLevelChanged(ILogger logger, string level, string caller);

    [LoggerMessage(220, LogLevel.Information, "Metrics are at http://{EndPoint}/metrics")]
    public static partial void MetricsServed(ILogger logger, IPEndPoint endPoint);

    [LoggerMessage(221, LogLevel.Information, "Metrics are off")]
    public static partial void MetricsOff(ILogger logger);

    [LoggerMessage(225, LogLevel.Information, "Metrics are sent to {Collector}")]
    public static partial void MetricsSent(ILogger logger, Uri collector);

    [LoggerMessage(222, LogLevel.Error, "A request for metrics failed")]
    public static partial void MetricsRequestFailed(ILogger logger, Exception exception);

    [LoggerMessage(207, LogLevel.Information, "Reload by {Caller}: {Change}")]
    public static partial void ConfigChanged(ILogger logger, string caller, string change);

    [LoggerMessage(218, LogLevel.Information, "Reload by {Caller}: the node has a new key, fingerprint {Fingerprint}; connected peers move over")]
    public static partial void KeyChanged(ILogger logger, string caller, string fingerprint);

    [LoggerMessage(208, LogLevel.Information, "Reload by {Caller}: no difference")]
    public static partial void ConfigUnchanged(ILogger logger, string caller);

    [LoggerMessage(209, LogLevel.Error, "Reload by {Caller} refused, nothing was changed: {Reason}")]
    public static partial void ReloadRefused(ILogger logger, string caller, string reason);

    [LoggerMessage(210, LogLevel.Warning, "The config is undone at {Time:u} unless it is confirmed before ('vibepn confirm')")]
    public static partial void ConfirmationDue(ILogger logger, DateTimeOffset time);

    [LoggerMessage(211, LogLevel.Information, "The config is confirmed by {Caller}")]
    public static partial void Confirmed(ILogger logger, string caller);

    [LoggerMessage(212, LogLevel.Warning, "Nobody confirmed the config in time; undone: {Change}")]
    public static partial void RolledBack(ILogger logger, string change);

    [LoggerMessage(213, LogLevel.Error, "Nobody confirmed the config in time, and it cannot be undone: {Reason}; trying again")]
    public static partial void RollbackFailed(ILogger logger, string reason);

    [LoggerMessage(214, LogLevel.Warning, "{Path} was not confirmed; starting with the last confirmed config instead ('vibepn reload' takes the file into use)")]
    public static partial void StartedUnconfirmed(ILogger logger, string path);

    [LoggerMessage(215, LogLevel.Information, "Invite {Id} into network {Network} for {Joiner}, good until {Time:u}, made for {Caller}")]
    public static partial void InviteMade(ILogger logger, string id, string network, string joiner, DateTimeOffset time, string caller);

    [LoggerMessage(216, LogLevel.Information, "Invite {Id} is revoked by {Caller}")]
    public static partial void InviteRevoked(ILogger logger, string id, string caller);

    [LoggerMessage(217, LogLevel.Information, "Peer {Peer}, which came by invite or introduction, is removed by {Caller}")]
    public static partial void PeerRemoved(ILogger logger, string peer, string caller);

    [LoggerMessage(223, LogLevel.Information, "Packets are captured, decrypted, for {Caller}")]
    public static partial void CaptureBegan(ILogger logger, string caller);

    [LoggerMessage(224, LogLevel.Information, "No more packets are captured for {Caller}; it had {Packets}")]
    public static partial void CaptureEnded(ILogger logger, string caller, ulong packets);

    [LoggerMessage(219, LogLevel.Information, "Peer {Peer}, which was removed, may be introduced again, says {Caller}")]
    public static partial void PeerLetIn(ILogger logger, string peer, string caller);
}
