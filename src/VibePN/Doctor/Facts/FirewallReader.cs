using System.Text.Json;
using VibePN.Doctor.Firewall;

namespace VibePN.Doctor.Facts;

/// <summary>Asks the firewall's own tools for its rules, where they are installed and this user may.</summary>
internal static class FirewallReader
{
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(3);

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
        else if (HostTool.Find("nft") is null)
        {
            hidden.Add("nft is not installed, so nftables cannot be listed");
        }

        tables.AddRange(iptables);
        tables.AddRange(IptablesRuleset.Parse(await old4.ConfigureAwait(false) ?? "", isV6: false));
        tables.AddRange(IptablesRuleset.Parse(await old6.ConfigureAwait(false) ?? "", isV6: true));
        if ((HasOld("/proc/net/ip_tables_names") || HasOld("/proc/net/ip6_tables_names")) && HostTool.Find("iptables-save") is null && HostTool.Find("iptables-legacy-save") is null)
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

    /// <returns>What it printed; null: it is not installed, or failed (told).</returns>
    private static async Task<string?> RunAsync(List<string> hidden, string program, params string[] arguments)
    {
        (string? output, string? problem) = await HostTool.RunAsync(Time, program, arguments).ConfigureAwait(false);
        if (problem is not null && HostTool.Find(program) is not null)
        {
            lock (hidden)
            {
                hidden.Add($"'{program}' fails: {problem}");
            }
        }

        return problem is null ? output : null;
    }
}
