using VibePN.Api;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Cli;

/// <summary>Exceptions in words.</summary>
internal static class Failure
{
    /// <summary>To standard error, a line per mistake.</summary>
    public static void Tell(Exception failure)
    {
        foreach (string line in Describe(failure))
        {
            Terminal.Error(line);
        }
    }

    public static IEnumerable<string> Describe(Exception failure) => failure switch
    {
        ConfigException config => config.Errors.Select(error => error.ToString()),
        UnauthorizedAccessException => [$"{failure.Message.TrimEnd('.')}; run as root, or as a user who may"],
        ApiException api => api.Message.Split('\n'),
        IdentityException or IOException or KeyNotFoundException => [failure.Message],
        _ when IsKnown(failure) => [failure.Message],
        _ => [$"unexpected: {failure}"],
    };

    /// <summary>The layers below speak for themselves: their exceptions name the operation and the cure.</summary>
    private static bool IsKnown(Exception failure) => failure.GetType().Namespace?.StartsWith("VibePN", StringComparison.Ordinal) == true;
}
