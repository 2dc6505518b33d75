using Spectre.Console;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary>Findings on a terminal: a line each, then cause, place and cure.</summary>
internal static class FindingView
{
    private const string Indent = "    ";

    public static void Draw(IAnsiConsole console, FindingDto finding, int checkWidth)
    {
        (string mark, string word, string colour) = finding.Severity switch
        {
            FindingSeverity.Error => ("✗", "error", "red"),
            FindingSeverity.Warning => ("!", "warning", "yellow"),
            FindingSeverity.Info => ("·", "info", "blue"),
            _ => ("✓", "ok", "green"),
        };
        Line(console, $"{mark} {word,-7}  {finding.Check.PadRight(checkWidth)}  {finding.What}", colour);
        Line(console, finding.Cause is null ? null : $"{Indent}cause  {finding.Cause}");
        Line(console, finding.Place is null ? null : $"{Indent}place  {finding.Place}");
        Line(console, finding.Cure is null ? null : $"{Indent}cure   {finding.Cure}");
    }

    /// <summary>An answer in one sentence, and the steps by which it was found.</summary>
    public static void DrawSteps(IAnsiConsole console, string answer, IEnumerable<FindingDto> steps)
    {
        Line(console, answer, "bold");
        foreach (FindingDto step in steps)
        {
            Draw(console, step, checkWidth: 9);
        }
    }

    /// <summary>Null: nothing.</summary>
    public static void Line(IAnsiConsole console, string? text, string colour = "default")
    {
        if (text is not null)
        {
            console.Write(Terminal.Cell(text, Style.Parse(colour)));
            console.WriteLine();
        }
    }
}
