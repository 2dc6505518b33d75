using System.Diagnostics;
using System.Text.Json;
using VibePN.Doctor.Firewall;

namespace VibePN.Doctor.Facts;

/// <summary>Asks the firewall's own tools for its rules, where they are installed and this user may.</summary>
internal static class FirewallReader
{
    private const int MaxChars = 16 << 20;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(3);
    private static readonly string[] Folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

    public static async Task<FirewallFacts> ReadAsync(bool isRoot)
    {
        if (!isRoot)
        {
            return new FirewallFacts([], ["only root may list a firewall's rules"]);
        }

        List<string> hidden = [];
        Task<string?> nft = RunAsync(hidden, "nft", "-j", "list", "ruleset");
        Task<string?> v4 = RunAsync(hidden, "iptables-save");
        Task<string?> v6 = RunAsync(hidden, "ip6tables-save");
        // The old kind stands beside the new one, and its tool loads modules unless there is something to list.
        Task<string?> old4 = HasOld("/proc/net/ip_tables_names") ? RunAsync(hidden, "iptables-legacy-save") : Task.FromResult<string?>(null);
        Task<string?> old6 = HasOld("/proc/net/ip6_tables_names") ? RunAsync(hidden, "ip6tables-legacy-save") : Task.FromResult<string?>(null);
        List<FirewallTable> iptables =
        [
            .. IptablesRuleset.Parse(await v4.ConfigureAwait(false) ?? "", isV6: false),
            .. IptablesRuleset.Parse(await v6.ConfigureAwait(false) ?? "", isV6: true),
        ];
        List<FirewallTable> tables = [];
        if (await nft.ConfigureAwait(false) is { } json)
        {
            try
            {
                // What iptables made in nftables is told better by itself.
                tables.AddRange(NftRuleset.Parse(json).Where(table => !iptables.Exists(own => own.Family == table.Family && own.Name == table.Name)));
            }
            catch (JsonException failure)
            {
                hidden.Add($"what nft lists makes no sense ({failure.Message})");
            }
        }
        else if (Find("nft") is null)
        {
            hidden.Add("nft is not installed, so nftables cannot be listed");
        }

        tables.AddRange(iptables);
        tables.AddRange(IptablesRuleset.Parse(await old4.ConfigureAwait(false) ?? "", isV6: false));
        tables.AddRange(IptablesRuleset.Parse(await old6.ConfigureAwait(false) ?? "", isV6: true));
        if ((HasOld("/proc/net/ip_tables_names") || HasOld("/proc/net/ip6_tables_names")) && Find("iptables-save") is null && Find("iptables-legacy-save") is null)
        {
            hidden.Add("iptables-save is not installed, so iptables cannot be listed");
        }

        return new FirewallFacts(tables, hidden);
    }

    private static bool HasOld(string names)
    {
        try
        {
            return File.ReadAllText(names).Trim().Length > 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string? Find(string program) => Folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <returns>What it printed; null: it is not installed, or failed (told).</returns>
    private static async Task<string?> RunAsync(List<string> hidden, string program, params string[] arguments)
    {
        if (Find(program) is not { } path)
        {
            return null;
        }

        string? problem;
        try
        {
            ProcessStartInfo start = new(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
            start.Environment["LC_ALL"] = "C";
            using Process process = Process.Start(start)!;
            using CancellationTokenSource limit = new(Time);
            try
            {
                process.StandardInput.Close();
                Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
                string output = await process.StandardOutput.ReadToEndAsync(limit.Token).ConfigureAwait(false);
                await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
                problem = process.ExitCode == 0 && output.Length <= MaxChars ? null : (await errors.ConfigureAwait(false)).Split('\n')[0].Trim();
                if (problem is null)
                {
                    return output;
                }
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                problem = $"it did not end within {Time.TotalSeconds:0} s";
            }
        }
        catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
        {
            problem = failure.Message;
        }

        lock (hidden)
        {
            hidden.Add($"'{program}' fails: {problem}");
        }

        return null;
    }
}
