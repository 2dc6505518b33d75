using System.CommandLine;
using System.Text.Json;
using VibePN.Api;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary>What commands that edit the config file have in common: show or write, reload the daemon, tell.</summary>
internal static class ConfigEditing
{
    public static Option<bool> DryRun { get; } = new("--dry-run") { Description = "Only show the difference; write nothing" };

    /// <param name="parsed">With <see cref="DryRun"/>, <see cref="CommonOptions.Json"/> and the common options.</param>
    /// <param name="edit">May run twice, each time on the file as it is then.</param>
    /// <param name="done">What was done, in words.</param>
    /// <param name="cancel">Ends the waiting for other commands and for the daemon.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(ParseResult parsed, Action<ConfigEdit> edit, string done, CancellationToken cancel)
    {
        string path = Path.GetFullPath(CommonOptions.ConfigPath(parsed));
        bool dryRun = parsed.GetValue(DryRun);
        ConfigFileEdit result = dryRun ? ConfigFileEdit.Plan(path, edit) : await ConfigFileEdit.ApplyAsync(path, edit, TimeProvider.System, cancel);
        EditDto answer = new()
        {
            Config = path,
            Changed = result.IsChange,
            DryRun = dryRun,
            Diff = result.Diff,
            Backup = result.IsChange && !dryRun ? result.Backup : null,
        };
        if (answer.Backup is not null)
        {
            answer = await ReloadAsync(parsed, answer, cancel);
        }

        if (parsed.GetValue(CommonOptions.Json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiJson.Readable.EditDto));
        }
        else
        {
            Tell(answer, done);
        }

        if (answer.Error is null)
        {
            return CommandLine.Done;
        }

        foreach (string line in answer.Error.Split('\n'))
        {
            Terminal.Error(line);
        }

        Terminal.Error($"{path} is changed, but the running daemon has not taken it into use; 'vibepn reload' tries again, {answer.Backup} is the file before");
        return CommandLine.Failed;
    }

    private static async Task<EditDto> ReloadAsync(ParseResult parsed, EditDto answer, CancellationToken cancel)
    {
        try
        {
            ApiClient client = CommonOptions.CreateClient(parsed);
            ReloadDto reload = await client.ReloadAsync(new ReloadRequestDto { Config = answer.Config }, cancel);
            return answer with { Daemon = EditReloadState.Reloaded, Reload = reload };
        }
        catch (ApiException failure) when (failure.IsNobodyThere)
        {
            return answer with { Daemon = EditReloadState.NotRunning };
        }
        catch (ApiException failure)
        {
            return answer with { Daemon = EditReloadState.Failed, Error = failure.Message };
        }
    }

    private static void Tell(EditDto answer, string done)
    {
        if (answer.DryRun)
        {
            Console.Out.Write(answer.Diff);
            Console.Out.WriteLine(answer.Changed ? "dry run: nothing was written" : "no difference");
            return;
        }

        Console.Out.WriteLine(answer.Changed ? $"{done}: {answer.Config} (before: {answer.Backup})" : $"{answer.Config} says so already");
        if (answer.Reload is { } reload)
        {
            ReloadCommand.Tell(reload);
        }
        else if (answer.Daemon == EditReloadState.NotRunning)
        {
            Console.Out.WriteLine("no daemon runs on it; the next start takes it into use");
        }
    }
}
