namespace VibePN.Doctor.Firewall;

/// <summary>Reads what <c>iptables-save</c> and <c>ip6tables-save</c> print. An option that it does not know matches some packets.</summary>
internal static class IptablesRuleset
{
    private static readonly Dictionary<string, string> Hooks = new()
    {
        ["PREROUTING"] = "prerouting",
        ["INPUT"] = "input",
        ["FORWARD"] = "forward",
        ["OUTPUT"] = "output",
        ["POSTROUTING"] = "postrouting",
    };

    /// <param name="text">Lines that are none of its own are passed over.</param>
    /// <param name="isV6">Of ip6tables.</param>
    public static IReadOnlyList<FirewallTable> Parse(string text, bool isV6)
    {
        List<FirewallTable> tables = [];
        FirewallTable? table = null;
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith('*'))
            {
                table = new FirewallTable(FirewallTool.Iptables, isV6 ? "ip6" : "ip", line[1..]);
                tables.Add(table);
            }
            else if (table is not null && line.StartsWith(':') && line[1..].Split(' ') is [var name, var policy, ..])
            {
                table.Chains[name] = new FirewallChain(name, $"chain {name} of {(isV6 ? "ip6tables" : "iptables")}{(table.Name == "filter" ? "" : $" -t {table.Name}")}")
                {
                    // nat sees the first packet of a connection only, and is not made to drop.
                    Hook = table.Name == "nat" ? null : Hooks.GetValueOrDefault(name),
                    Priority = table.Name switch { "raw" => -300, "mangle" => -150, "filter" => 0, _ => 50 },
                    DropsByPolicy = policy == "DROP",
                };
            }
            else if (table is not null && line.StartsWith("-A ", StringComparison.Ordinal))
            {
                string[] words = [.. Words(line)];
                if (words.Length > 1 && table.Chains.TryGetValue(words[1], out FirewallChain? chain))
                {
                    chain.Rules.Add(new IptablesRule(table, isV6).Read(words.AsSpan(2), $"rule '{line}' of {(isV6 ? "ip6tables" : "iptables")}"));
                }
            }
        }

        return tables;
    }

    /// <summary>A word may be in quotes, with backslashes before quotes inside of it.</summary>
    private static IEnumerable<string> Words(string line)
    {
        System.Text.StringBuilder word = new();
        bool isQuoted = false;
        bool isWord = false;
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\' && i + 1 < line.Length)
            {
                word.Append(line[++i]);
            }
            else if (line[i] == '"')
            {
                isQuoted = !isQuoted;
                isWord = true;
            }
            else if (line[i] == ' ' && !isQuoted)
            {
                if (isWord || word.Length > 0)
                {
                    yield return word.ToString();
                }

                word.Clear();
                isWord = false;
            }
            else
            {
                word.Append(line[i]);
            }
        }

        if (isWord || word.Length > 0)
        {
            yield return word.ToString();
        }
    }
}
