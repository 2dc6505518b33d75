using System.CommandLine;
using VibePN.Api;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn rotate-key</c>: a new key for this node, signed by the old one; the node stays who it is.</summary>
internal static class RotateKeyCommand
{
    private static readonly TimeSpan DefaultOverlap = TimeSpan.FromDays(7);

    public static ExampleCommand Create()
    {
        Option<string> overlap = Options.Checked("--overlap", "TIME", "How long peers take the old key as well: 24h, 7d [default: 7d]", text => Options.ParseTime(text) is null ? $"'{text}' is no time, like 7d" : null);
        Option<bool> dryRun = new("--dry-run") { Description = "Only say what would be done; write nothing" };
        ExampleCommand command = new("rotate-key", "Gives this node a new key, signed by the old one; peers, pins and addresses stay, and a running daemon takes it into use", "vibepn rotate-key --overlap 7d");
        command.Add(overlap);
        command.Add(dryRun);
        return command.Does(async (parsed, cancel) =>
        {
            string path = Path.GetFullPath(CommonOptions.ConfigPath(parsed));
            NodeConfig config = ConfigFile.Load(path);
            TimeSpan length = parsed.GetValue(overlap) is { } text ? Options.ParseTime(text)!.Value : DefaultOverlap;
            KeyRotation rotation = KeyRotation.Plan(config, length, TimeProvider.System);
            Console.Out.WriteLine($"node         {rotation.Before.Id}");
            Console.Out.WriteLine($"old key      {rotation.Before.Lineage.Current}, accepted until {DateTimeOffset.FromUnixTimeSeconds(rotation.OverlapEndUtcSeconds):u}");
            if (parsed.GetValue(dryRun))
            {
                Console.Out.WriteLine("dry run: nothing was written");
                return CommandLine.Done;
            }

            Console.Out.WriteLine($"new key      {rotation.Write(TimeProvider.System)}");
            Console.Out.WriteLine($"before       {config.Identity.CertPath}.bak, {config.Identity.KeyPath}.bak");
            return await ReloadAsync(parsed, path, cancel);
        });
    }

    private static async Task<int> ReloadAsync(ParseResult parsed, string path, CancellationToken cancel)
    {
        try
        {
            using ApiClient client = CommonOptions.CreateClient(parsed);
            _ = await client.ReloadAsync(new ReloadRequestDto { Config = path }, cancel);
            Console.Out.WriteLine("the running daemon has been told; its peers move over");
            return CommandLine.Done;
        }
        catch (ApiException failure) when (failure.IsNobodyThere)
        {
            Console.Out.WriteLine("no daemon runs on it; the next start takes it into use");
            return CommandLine.Done;
        }
        catch (ApiException failure)
        {
            Terminal.Error(failure.Message);
            Terminal.Error("the new key is written, but the running daemon has not taken it into use; 'vibepn reload' tries again");
            return CommandLine.Failed;
        }
    }
}
