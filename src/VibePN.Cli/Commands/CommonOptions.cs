using System.CommandLine;
using VibePN.Api;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary>Options that every command takes, and how they find the daemon.</summary>
internal static class CommonOptions
{
    public static Option<string?> Config { get; } = new("--config")
    {
        Description = $"Config file [default: {ConfigFile.DefaultPath}]",
        HelpName = "FILE",
    };

    public static Option<string?> Socket { get; } = new("--socket")
    {
        Description = "The daemon's Unix socket [default: the one in the config file]",
        HelpName = "PATH",
    };

    public static Option<bool> Json { get; } = new("--json") { Description = "JSON instead of a table" };

    public static Option<bool> Watch { get; } = new("--watch") { Description = "Again every second, until Ctrl-C" };

    public static string ConfigPath(ParseResult parsed) => parsed.GetValue(Config) ?? ConfigFile.DefaultPath;

    /// <summary>Absolute; null: none was named, and the config says which.</summary>
    public static string? NamedSocket(ParseResult parsed) => parsed.GetValue(Socket) is { } socket ? Path.GetFullPath(socket) : null;

    /// <exception cref="ConfigException">A config file was named and does not load.</exception>
    public static ApiClient CreateClient(ParseResult parsed) => new(SocketPath(parsed));

    private static string SocketPath(ParseResult parsed)
    {
        if (NamedSocket(parsed) is { } socket)
        {
            return socket;
        }

        try
        {
            return ConfigFile.Load(ConfigPath(parsed)).Node.Socket;
        }
        catch (ConfigException) when (parsed.GetValue(Config) is null)
        {
            // The file may be closed to users who may well use the socket.
            return new NodeSettings { Name = "" }.Socket;
        }
    }
}
