using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary>What status, peers and routes share: ask, then show as a table or as JSON, once or again and again.</summary>
internal static class LiveView
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    public static ExampleCommand Create<T>(
        string name,
        string description,
        Func<ApiClient, CancellationToken, Task<T>> ask,
        Action<IAnsiConsole, T> draw)
        where T : class =>
        Add(new ExampleCommand(name, description, $"vibepn {name} --json | jq ."), (client, _, cancel) => ask(client, cancel), draw);

    /// <summary>For a command that has arguments of its own.</summary>
    public static ExampleCommand Add<T>(ExampleCommand command, Func<ApiClient, ParseResult, CancellationToken, Task<T>> ask, Action<IAnsiConsole, T> draw)
        where T : class
    {
        command.Add(CommonOptions.Json);
        command.Add(CommonOptions.Watch);
        return command.Does(async (parsed, cancel) =>
        {
            ApiClient client = CommonOptions.CreateClient(parsed);
            bool json = parsed.GetValue(CommonOptions.Json);
            bool watch = parsed.GetValue(CommonOptions.Watch);
            while (true)
            {
                T answer = await ask(client, parsed, cancel);
                if (json)
                {
                    WriteJson(answer, watch ? ApiJson.Compact : ApiJson.Readable);
                }
                else
                {
                    if (watch && Terminal.IsInteractive)
                    {
                        Console.Out.Write("\u001b[H\u001b[2J");
                    }

                    Terminal.Write(console => draw(console, answer));
                }

                if (!watch)
                {
                    return CommandLine.Done;
                }

                await Task.Delay(Interval, TimeProvider.System, cancel);
            }
        });
    }

    private static void WriteJson<T>(T answer, ApiJson context) =>
        Console.Out.WriteLine(JsonSerializer.Serialize(answer, (JsonTypeInfo<T>)context.GetTypeInfo(typeof(T))!));
}
