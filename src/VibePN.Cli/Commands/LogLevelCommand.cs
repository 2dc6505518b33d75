using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn log-level [LEVEL]</c>: what a running daemon writes into its log.</summary>
internal static class LogLevelCommand
{
    public static ExampleCommand Create()
    {
        Argument<string?> level = new("LEVEL") { Description = string.Join(", ", LogLevels.Names), Arity = ArgumentArity.ZeroOrOne };
        level.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && LogLevels.Parse(token.Value) is null)
            {
                result.AddError($"'{token.Value}' is no level: {string.Join(", ", LogLevels.Names)}");
            }
        });
        Option<string> time = Options.Checked("--for", "TIME", "Back to info after this time, as 10m", TimeError);
        ExampleCommand command = new("log-level", "Shows or changes how much the running daemon logs", "vibepn log-level debug --for 10m");
        command.Add(level);
        command.Add(time);
        command.Add(CommonOptions.Json);
        command.Validators.Add(result =>
        {
            if (result.GetResult(time) is { Implicit: false } && result.GetValue(level) is null)
            {
                result.AddError("--for goes with a level");
            }
        });
        return command.Does(async (parsed, cancel) =>
        {
            ApiClient client = CommonOptions.CreateClient(parsed);
            LogLevelDto answer = parsed.GetValue(level) is { } wanted
                ? await client.SetLogLevelAsync(
                    new LogLevelRequestDto { Level = wanted, ForSeconds = parsed.GetValue(time) is { } text ? Options.ParseTime(text)?.TotalSeconds : null },
                    cancel)
                : await client.GetLogLevelAsync(cancel);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiJson.Readable.LogLevelDto));
            }
            else
            {
                string until = answer.UntilUtc is { } back ? string.Create(CultureInfo.InvariantCulture, $" until {back.ToLocalTime():yyyy-MM-dd HH:mm:ss}, then info") : "";
                Console.Out.WriteLine($"{answer.Level}{until}");
            }

            return CommandLine.Done;
        });
    }

    private static string? TimeError(string text) => Options.ParseTime(text) is not { } time || time <= TimeSpan.Zero || time > LogLevels.MaxTime
        ? $"'{text}' is no time up to {LogLevels.MaxTime.TotalDays:0} days, as 30s, 10m or 2h"
        : null;
}
