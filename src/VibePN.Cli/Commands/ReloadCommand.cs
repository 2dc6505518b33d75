using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn reload</c>: the daemon takes the changed config file into use.</summary>
internal static class ReloadCommand
{
    public static ExampleCommand Create()
    {
        Option<bool> dryRun = new("--dry-run") { Description = "Only show what would change, and what is wrong" };
        Option<string> within = Options.Checked("--confirm-within", "TIME", "Undo it after this time (60s, 5m, 1h) unless 'vibepn confirm' comes before", TimeError);
        ExampleCommand command = new("reload", "Takes the changed config file into use, without touching what is unchanged", "vibepn reload --confirm-within 60s");
        command.Add(dryRun);
        command.Add(within);
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            ApiClient client = CommonOptions.CreateClient(parsed);
            ReloadDto answer = await client.ReloadAsync(
                new ReloadRequestDto
                {
                    DryRun = parsed.GetValue(dryRun),
                    ConfirmWithinSeconds = parsed.GetValue(within) is { } text ? Options.ParseTime(text)?.TotalSeconds : null,
                    Config = parsed.GetValue(CommonOptions.Config) is { } path ? Path.GetFullPath(path) : null,
                },
                cancel);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiJson.Readable.ReloadDto));
            }
            else
            {
                Tell(answer);
            }

            return answer.Problems.Count == 0 ? CommandLine.Done : CommandLine.Failed;
        });
    }

    /// <summary>The difference on standard output, what is amiss on standard error.</summary>
    public static void Tell(ReloadDto answer)
    {
        foreach (ConfigChangeDto change in answer.Changes)
        {
            Console.Out.WriteLine(change.Text);
        }

        if (answer.Changes.Count == 0)
        {
            Console.Out.WriteLine("no difference");
        }

        foreach (string note in answer.Notes)
        {
            Terminal.Error($"note: {note}");
        }

        foreach (string problem in answer.Problems)
        {
            Terminal.Error(problem);
        }

        if (answer.DryRun)
        {
            Console.Out.WriteLine("dry run: nothing was changed");
        }

        if (answer.ConfirmByUtc is { } by)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"undone at {by.ToLocalTime():HH:mm:ss} unless 'vibepn confirm' comes before"));
        }
    }

    private static string? TimeError(string text) =>
        Options.ParseTime(text) is { } time && time >= TimeSpan.FromSeconds(1) && time <= TimeSpan.FromDays(1)
            ? null
            : $"'{text}' is no time from 1s to 24h, like 60s, 5m or 1h";
}
