using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Cli.Daemon;

/// <summary>A daemon's life: config, identity, socket, node, API, ready; and back in reverse.</summary>
internal sealed class DaemonRunner(ILoggerFactory loggers, LogThreshold threshold, TimeProvider clock)
{
    /// <summary>A service manager and its users expect the end within 2 s.</summary>
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(1.6);

    /// <summary>What the daemon writes is nobody else's; what is to be shared is opened explicitly.</summary>
    private const UnixFileMode Withheld = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly ILogger _logger = loggers.CreateLogger("daemon");
    private readonly TaskCompletionSource<string> _stopAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <returns>When it was asked to stop and has stopped.</returns>
    /// <exception cref="Exception">It could not start, or the node failed.</exception>
    public async Task RunAsync(string configPath, string? socketPath, CancellationToken cancel)
    {
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, "SIGTERM"));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, "SIGINT"));
        using CancellationTokenRegistration registration = cancel.Register(() => _stopAsked.TrySetResult("interrupted"));

        ConfigText file = ConfigText.Load(configPath);
        ConfigText start = new UnconfirmedFile(file.Config.Node.State).Choose(file, out UnconfirmedFile.Record? record, out string? problem);
        NodeConfig config = start.Config;
        if (problem is not null)
        {
            Log.ConfigWarning(_logger, problem);
        }

        if (record is not null)
        {
            Log.StartedUnconfirmed(_logger, config.Path);
        }

        NodeIdentity identity = NodeIdentity.Load(config.Identity);
        foreach (ConfigError warning in config.Warnings)
        {
            Log.ConfigWarning(_logger, warning.ToString());
        }

        Accounts.SetCreationMask(Withheld);
        using SocketFile socket = SocketFile.Claim(socketPath is null ? config.Node.Socket : Path.GetFullPath(socketPath));
        NodeHost host = await NodeHost.StartAsync(config, identity, loggers, CancellationToken.None);
        Lazy<Task<int>> stopped = new(host.StopAsync);
        try
        {
            using MetricsSource source = new(host, clock);
            await using MetricsAddress metrics = new(source, clock, _logger);
            await metrics.ServeAsync(config.Node.Metrics);
            await using MetricsPush push = new(source, clock, _logger);
            await push.SendToAsync(config.Node.Otlp);
            await using Reloader reloader = new(host, metrics, push, identity.Id, start, record, clock, _logger);
            using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                _ = reloader.ReloadBySignalAsync();
            });
            await using ApiServer api = await ApiServer.StartAsync(
                socket, new StatusSource(host, reloader, metrics, push, clock), reloader, new InviteDesk(host, identity.Id, clock, _logger), new CaptureDesk(host, clock, _logger), threshold, () => GoodbyeAsync(stopped.Value), _logger);
            Log.Started(_logger, ProductVersion.Text, config.Node.Name, identity.Id.ToString(), socket.Path);
            SystemdNotifier.Ready();
            await using SystemdWatchdog? watchdog = SystemdWatchdog.Start(host.TurnAsync, clock);
            Task first = await Task.WhenAny(_stopAsked.Task, host.Completion);
            SystemdNotifier.Stopping();
            if (first == _stopAsked.Task)
            {
                Log.Stopping(_logger, await _stopAsked.Task);
            }
        }
        finally
        {
            await StopAsync(stopped.Value);
        }

        if (host.Completion.IsCompleted)
        {
            // Throws when the node failed.
            await host.Completion;
            Log.Stopped(_logger);
        }
    }

    private void OnSignal(PosixSignalContext context, string name)
    {
        context.Cancel = true;
        _ = _stopAsked.TrySetResult(name);
    }

    /// <summary>The answer still has to leave, so the end comes a moment after it.</summary>
    private async Task<int> GoodbyeAsync(Task<int> stopped)
    {
        int told = await stopped;
        _ = _stopAsked.TrySetResult("goodbye");
        return told;
    }

    private async Task StopAsync(Task<int> stopped)
    {
        try
        {
            _ = await stopped.WaitAsync(StopTime, clock);
        }
        catch (TimeoutException)
        {
            Log.StopTooSlow(_logger, StopTime.TotalSeconds);
        }
    }
}
