using Microsoft.Extensions.Logging;
using VibePN.Cli.Daemon;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn daemon</c>, also called <c>vpn</c>: runs in the foreground until told to stop.</summary>
internal static class DaemonCommand
{
    public const string Name = "daemon";

    public static ExampleCommand Create() =>
        new ExampleCommand(Name, "Runs the VPN in the foreground, for systemd (Type=notify) or a terminal", "vibepn daemon --config /etc/vibepn/config.toml")
            .Does(async (parsed, cancel) =>
            {
                using LogThreshold threshold = new(TimeProvider.System);
                using ILoggerFactory loggers = LoggerFactory.Create(
                    logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(StderrLoggerProvider.Create(threshold)));
                await new DaemonRunner(loggers, threshold, TimeProvider.System).RunAsync(CommonOptions.ConfigPath(parsed), parsed.GetValue(CommonOptions.Socket), cancel);
                return CommandLine.Done;
            });
}
