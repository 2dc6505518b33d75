using System.ComponentModel;
using System.Diagnostics;

namespace VibePN.Doctor.Facts;

/// <summary>Runs programs of the host that tell about it, for a bounded time. No shell, and nothing that changes the host.</summary>
internal static class HostTool
{
    private const int MaxChars = 16 << 20;

    private static readonly string[] Folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

    /// <returns>Its path; null: it is not installed.</returns>
    public static string? Find(string program) => Folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <returns>What it printed, and why that may not be all: it is not there, failed, or took too long.</returns>
    public static async Task<(string? Output, string? Problem)> RunAsync(TimeSpan time, string program, params string[] arguments)
    {
        if (Find(program) is not { } path)
        {
            return (null, "it is not installed");
        }

        try
        {
            ProcessStartInfo start = new(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
            start.Environment["LC_ALL"] = "C";
            using Process process = Process.Start(start)!;
            using CancellationTokenSource limit = new(time);
            try
            {
                process.StandardInput.Close();
                Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
                string output = await process.StandardOutput.ReadToEndAsync(limit.Token).ConfigureAwait(false);
                await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
                return (output, process.ExitCode == 0 && output.Length <= MaxChars ? null : (await errors.ConfigureAwait(false)).Split('\n')[0].Trim());
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                return (null, $"it did not end within {time.TotalSeconds:0} s");
            }
        }
        catch (Exception failure) when (failure is Win32Exception or IOException or InvalidOperationException)
        {
            return (null, failure.Message);
        }
    }
}
