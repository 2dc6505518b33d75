using System.CommandLine;
using System.Text.Json;
using VibePN.Api;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn remove-peer</c>: an entry less in the config file, or a peer that came by invite or introduction less in the daemon; its connections end.</summary>
internal static class RemovePeerCommand
{
    public static ExampleCommand Create()
    {
        Argument<string> name = new("NAME") { Description = "As 'vibepn peers' shows it" };
        ExampleCommand command = new("remove-peer", "Takes a peer out of the config file, or one that came by invite or introduction out of the daemon's memory; it is cut off at once, and no introduction brings it back", "vibepn remove-peer node2");
        command.Add(name);
        command.Add(ConfigEditing.DryRun);
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            string peer = parsed.GetRequiredValue(name);
            return !IsInFile(CommonOptions.ConfigPath(parsed), peer) && await ForgetAsync(parsed, peer, cancel)
                ? CommandLine.Done
                : await ConfigEditing.RunAsync(parsed, edit => edit.RemovePeer(peer), $"removed {peer}", cancel);
        });
    }

    /// <summary>What is wrong with a file that cannot be read is told by the edit.</summary>
    private static bool IsInFile(string path, string peer)
    {
        try
        {
            return ConfigFile.Load(path).Peers.Any(entry => entry.Name == peer);
        }
        catch (ConfigException)
        {
            return true;
        }
    }

    /// <returns>False: the daemon knows no such peer either, or none runs.</returns>
    private static async Task<bool> ForgetAsync(ParseResult parsed, string peer, CancellationToken cancel)
    {
        ApiClient client = CommonOptions.CreateClient(parsed);
        try
        {
            bool isDryRun = parsed.GetValue(ConfigEditing.DryRun);
            RemovePeerDto answer = isDryRun
                ? new RemovePeerDto { Removed = (await client.GetPeersAsync(cancel)).Peers.Any(known => known.Name == peer && known.Trust is PeerTrustSource.Invite or PeerTrustSource.Introduction) }
                : await client.RemovePeerAsync(peer, cancel);
            if (answer.Removed)
            {
                Console.Out.WriteLine(parsed.GetValue(CommonOptions.Json) ? JsonSerializer.Serialize(answer, ApiJson.Readable.RemovePeerDto)
                    : isDryRun ? $"dry run: {peer}, which came by invite or introduction, would be removed"
                    : $"removed {peer}, which came by invite or introduction; it is cut off");
            }

            return answer.Removed;
        }
        catch (ApiException failure) when (failure.IsNobodyThere)
        {
            Terminal.Error("no daemon runs: it alone knows the peers that came by invite or introduction");
            return false;
        }
    }
}
