namespace VibePN.E2E.Harness;

/// <summary>How a program ended.</summary>
internal sealed record Outcome(string Command, int ExitCode, string Output, string Errors)
{
    public string Everything => Output + Errors;

    public override string ToString() => $"`{Command}` ended with {ExitCode}\n{Everything}";
}
