using System.Diagnostics;

namespace VibePN.E2E.Harness;

/// <summary>Runs programs to their end.</summary>
internal static class Shell
{
    private static readonly TimeSpan s_defaultLimit = TimeSpan.FromSeconds(30);

    public static Outcome Run(params IReadOnlyList<string> command) => Run(s_defaultLimit, command);

    /// <exception cref="TimeoutException">It did not end in time, and was killed.</exception>
    public static Outcome Run(TimeSpan limit, params IReadOnlyList<string> command)
    {
        using RunningProgram program = RunningProgram.Start(command);
        return program.WaitForExit(limit)
            ? new Outcome(string.Join(' ', command), program.ExitCode, program.Output, program.Errors)
            : throw new TimeoutException($"`{string.Join(' ', command)}` did not end within {limit.TotalSeconds} s\n{program.Output}{program.Errors}");
    }

    /// <summary>As <see cref="Run(IReadOnlyList{string})"/>, for what must not fail.</summary>
    /// <returns>Its standard output.</returns>
    public static string Must(params IReadOnlyList<string> command)
    {
        Outcome outcome = Run(command);
        return outcome.ExitCode == 0 ? outcome.Output : throw new InvalidOperationException(outcome.ToString());
    }

    public static ProcessStartInfo StartInfo(IReadOnlyList<string> command)
    {
        ProcessStartInfo start = new(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";
        start.Environment["PATH"] += ":/usr/sbin:/sbin";
        return start;
    }
}
