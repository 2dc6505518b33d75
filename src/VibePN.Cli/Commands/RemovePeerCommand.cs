using System.CommandLine;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn remove-peer</c>: an entry less in the config file, and its connections end.</summary>
internal static class RemovePeerCommand
{
    public static ExampleCommand Create()
    {
        Argument<string> name = new("NAME") { Description = "Of the entry, as 'vibepn peers' shows it" };
        ExampleCommand command = new("remove-peer", "Takes a peer out of the config file; a running daemon cuts it off at once", "vibepn remove-peer node2");
        command.Add(name);
        command.Add(ConfigEditing.DryRun);
        command.Add(CommonOptions.Json);
        return command.Does((parsed, cancel) =>
        {
            string peer = parsed.GetRequiredValue(name);
            return ConfigEditing.RunAsync(parsed, edit => edit.RemovePeer(peer), $"removed {peer}", cancel);
        });
    }
}
