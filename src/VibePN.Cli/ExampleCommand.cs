using System.CommandLine;
using VibePN.Cli.Commands;

namespace VibePN.Cli;

/// <summary>A command whose help ends with a line to copy; failures become messages and exit codes here, in one place.</summary>
internal sealed class ExampleCommand : Command
{
    public ExampleCommand(string name, string description, string example)
        : base(name, description)
    {
        Example = example;
        Add(CommonOptions.Config);
        Add(CommonOptions.Socket);
    }

    public string Example { get; }

    /// <param name="run">Returns the exit code; failures are thrown.</param>
    public ExampleCommand Does(Func<ParseResult, CancellationToken, Task<int>> run)
    {
        SetAction(async (parsed, cancel) =>
        {
            try
            {
                return await run(parsed, cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return CommandLine.Done;
            }
            catch (Exception failure)
            {
                Failure.Tell(failure);
                return CommandLine.Failed;
            }
        });
        return this;
    }
}
