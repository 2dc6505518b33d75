using System.Text.Json;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn confirm</c>: the reloaded config stays.</summary>
internal static class ConfirmCommand
{
    public static ExampleCommand Create()
    {
        ExampleCommand command = new("confirm", "Keeps the config of a 'reload --confirm-within'", "vibepn confirm");
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            ApiClient client = CommonOptions.CreateClient(parsed);
            ConfirmDto answer = await client.ConfirmAsync(cancel);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiJson.Readable.ConfirmDto));
            }
            else if (answer.Confirmed)
            {
                Console.Out.WriteLine("confirmed");
            }

            if (!answer.Confirmed)
            {
                Terminal.Error("nothing waits for a confirmation; 'vibepn status' says whether the config was undone");
            }

            return answer.Confirmed ? CommandLine.Done : CommandLine.Failed;
        });
    }
}
