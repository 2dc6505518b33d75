using Microsoft.Extensions.Logging;

namespace VibePN.Api;

/// <summary>Log levels as users call them.</summary>
public static class LogLevels
{
    public static readonly TimeSpan MaxTime = TimeSpan.FromDays(7);

    private static readonly (string Name, LogLevel Level)[] Known =
        [("debug", LogLevel.Debug), ("info", LogLevel.Information), ("warning", LogLevel.Warning), ("error", LogLevel.Error)];

    public static IReadOnlyList<string> Names => [.. Known.Select(one => one.Name)];

    /// <summary>Null: there is none of this name.</summary>
    public static LogLevel? Parse(string name) =>
        Known.Where(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(one => (LogLevel?)one.Level).FirstOrDefault();

    public static string NameOf(LogLevel level) => Known.Where(one => one.Level >= level).Select(one => one.Name).FirstOrDefault("error");
}
