using System.Diagnostics;

namespace VibePN.Quic.Tests;

/// <summary>Asks the installed headers by a small C program.</summary>
internal static class Gcc
{
    /// <param name="headers">As between the angle brackets of an include.</param>
    /// <param name="body">Of <c>main</c>; it prints what is asked.</param>
    public static string Run(IEnumerable<string> headers, string body)
    {
        var folder = Directory.CreateTempSubdirectory("vibepn-layout-");
        try
        {
            var source = Path.Combine(folder.FullName, "layout.c");
            var binary = Path.Combine(folder.FullName, "layout");
            var includes = string.Concat(headers.Prepend("stdio.h").Prepend("stddef.h").Select(header => $"#include <{header}>\n"));
            File.WriteAllText(source, $"{includes}int main(void) {{\n{body}\nreturn 0; }}\n");
            Execute("gcc", "-o", binary, source);
            return Execute(binary);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Execute(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEnd();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
        return output;
    }
}
