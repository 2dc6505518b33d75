using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn goodbye</c>: the daemon takes its leave.</summary>
internal static class GoodbyeCommand
{
    public static ExampleCommand Create() =>
        new ExampleCommand("goodbye", "Tells all peers, closes the connections and ends the daemon", "vibepn goodbye")
            .Does(async (parsed, cancel) =>
            {
                ApiClient client = CommonOptions.CreateClient(parsed);
                GoodbyeDto answer = await client.GoodbyeAsync(cancel);
                Console.Out.WriteLine(answer.PeersTold == 1 ? "the daemon ends; 1 peer is told" : $"the daemon ends; {answer.PeersTold} peers are told");
                return CommandLine.Done;
            });
}
