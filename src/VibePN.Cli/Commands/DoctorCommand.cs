using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using VibePN.Api;
using VibePN.Doctor;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn doctor</c>: looks for what is wrong, or will be, with the host, the config, the daemon and the way to the peers.</summary>
internal static class DoctorCommand
{
    public static ExampleCommand Create()
    {
        Option<bool> verbose = new("--verbose") { Description = "Show also what is fine" };
        ExampleCommand command = new(
            "doctor",
            "Looks for what is wrong, before the first start or later; 0: no errors, 1: errors",
            "vibepn doctor");
        command.Add(verbose);
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            DoctorDto answer = await Checkup.RunAsync(
                CommonOptions.ConfigPath(parsed), CommonOptions.NamedSocket(parsed), ProductVersion.Text, TimeProvider.System).WaitAsync(cancel);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiJson.Readable.DoctorDto));
            }
            else
            {
                Terminal.Write(console => Draw(console, answer, parsed.GetValue(verbose)));
            }

            return answer.Errors > 0 ? CommandLine.Failed : CommandLine.Done;
        });
    }

    /// <summary>The worst first; in each severity in the order of the checks.</summary>
    private static void Draw(IAnsiConsole console, DoctorDto answer, bool verbose)
    {
        foreach (FindingDto finding in answer.Findings.OrderByDescending(finding => finding.Severity))
        {
            if (finding.Severity == FindingSeverity.Ok && !verbose)
            {
                continue;
            }

            FindingView.Draw(console, finding, checkWidth: 20);
        }

        foreach (IGrouping<string, SkippedCheckDto> skipped in answer.Skipped.GroupBy(skipped => skipped.Why))
        {
            FindingView.Line(console, $"- not looked at: {string.Join(", ", skipped.Select(one => one.Check).Distinct())} ({skipped.Key})");
        }

        int hints = answer.Findings.Count(finding => finding.Severity == FindingSeverity.Info);
        int fine = answer.Findings.Count(finding => finding.Severity == FindingSeverity.Ok);
        FindingView.Line(console, $"{Count(answer.Errors, "error")}, {Count(answer.Warnings, "warning")}, {Count(hints, "hint")}; {fine} fine{(verbose || fine == 0 ? "" : " (--verbose shows them)")}");
    }

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
