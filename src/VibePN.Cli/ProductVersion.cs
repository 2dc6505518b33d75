using System.Reflection;

namespace VibePN.Cli;

/// <summary>The version of this build.</summary>
internal static class ProductVersion
{
    private const int CommitDigits = 8;

    /// <summary>Such as "0.1.0 (1dd926c1)": the commit is there where the build knew it.</summary>
    public static string Text { get; } = Shorten(
        typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");

    /// <summary>From "VERSION+COMMIT", as the compiler is told it.</summary>
    private static string Shorten(string informational) => informational.Split('+') switch
    {
        [string version, { Length: >= CommitDigits } commit] => $"{version} ({commit[..CommitDigits]})",
        [string version, ..] => version,
        _ => informational,
    };
}
