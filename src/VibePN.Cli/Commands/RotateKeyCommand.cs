using System.CommandLine;
using System.Text.Json;
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
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            string path = Path.GetFullPath(CommonOptions.ConfigPath(parsed));
            RotateKeyDto answer = Rotate(ConfigFile.Load(path), parsed.GetValue(overlap) is { } text ? Options.ParseTime(text)!.Value : DefaultOverlap, parsed.GetValue(dryRun));
            if (!answer.DryRun)
            {
                answer = await ReloadAsync(parsed, path, answer, cancel);
            }

            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiJson.Readable.RotateKeyDto));
            }
            else
            {
                Tell(answer);
            }

            if (answer.Error is null)
            {
                return CommandLine.Done;
            }

            Terminal.Error(answer.Error);
            Terminal.Error("the new key is written, but the running daemon has not taken it into use; 'vibepn reload' tries again");
            return CommandLine.Failed;
        });
    }

    private static RotateKeyDto Rotate(NodeConfig config, TimeSpan overlap, bool isDryRun)
    {
        // Held until the files are written: two at once would each sign a successor of the same key.
        using ConfigLock? held = isDryRun ? null : KeyRotation.Lock(config.Identity);
        KeyRotation rotation = KeyRotation.Plan(config, overlap, TimeProvider.System);
        RotateKeyDto answer = new()
        {
            Id = rotation.Before.Id.ToString(),
            OldKey = rotation.Before.Lineage.Current.ToString(),
            OldKeyUntilUtc = DateTimeOffset.FromUnixTimeSeconds(rotation.OverlapEndUtcSeconds),
            DryRun = isDryRun,
        };
        return isDryRun ? answer : answer with
        {
            NewKey = rotation.Write(TimeProvider.System).ToString(),
            Backups = [AtomicFile.BackupOf(config.Identity.CertPath), AtomicFile.BackupOf(config.Identity.KeyPath)],
        };
    }

    private static void Tell(RotateKeyDto answer)
    {
        Console.Out.WriteLine($"node         {answer.Id}");
        Console.Out.WriteLine($"old key      {answer.OldKey}, accepted until {answer.OldKeyUntilUtc:u}");
        if (answer.DryRun)
        {
            Console.Out.WriteLine("dry run: nothing was written");
            return;
        }

        Console.Out.WriteLine($"new key      {answer.NewKey}");
        Console.Out.WriteLine($"before       {string.Join(", ", answer.Backups)}");
        if (answer.Daemon is EditReloadState.Reloaded)
        {
            Console.Out.WriteLine("the running daemon has been told; its peers move over");
        }
        else if (answer.Daemon is EditReloadState.NotRunning)
        {
            Console.Out.WriteLine("no daemon runs on it; the next start takes it into use");
        }
    }

    private static async Task<RotateKeyDto> ReloadAsync(ParseResult parsed, string path, RotateKeyDto answer, CancellationToken cancel)
    {
        try
        {
            ApiClient client = CommonOptions.CreateClient(parsed);
            _ = await client.ReloadAsync(new ReloadRequestDto { Config = path }, cancel);
            return answer with { Daemon = EditReloadState.Reloaded };
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
}
