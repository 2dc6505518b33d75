using System.Text.Json;

namespace VibePN.Doctor.Firewall;

/// <summary>Reads what <c>nft -j list ruleset</c> prints (libnftables-json(5)). What it does not know matches some packets.</summary>
internal static class NftRuleset
{
    /// <exception cref="JsonException">It is no such document.</exception>
    public static IReadOnlyList<FirewallTable> Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("nftables", out JsonElement items) || items.ValueKind != JsonValueKind.Array)
        {
            throw new JsonException("there is no list 'nftables'");
        }

        Dictionary<string, FirewallTable> tables = [];
        Dictionary<string, JsonElement> sets = [];
        // Sets first: rules refer to them, and outlive the document only as what they were made of.
        JsonElement all = items.Clone();
        foreach (string kind in new[] { "set", "map" })
        {
            foreach (JsonElement set in Named(all, kind))
            {
                if (set.TryGetProperty("elem", out JsonElement elements))
                {
                    sets[KeyOf(set, Text(set, "name"))] = elements;
                }
            }
        }

        foreach (JsonElement chain in Named(all, "chain"))
        {
            FirewallTable table = TableOf(chain);
            string name = Text(chain, "name");
            table.Chains[name] = new FirewallChain(name, $"chain {table.Family} {table.Name} {name}")
            {
                // Chains of type nat see the first packet of a connection only, and are not made to drop.
                Hook = Text(chain, "type") == "nat" ? null : Text(chain, "hook") is { Length: > 0 } hook ? hook : null,
                Priority = chain.TryGetProperty("prio", out JsonElement priority) && priority.TryGetLong(out long number) ? number : 0,
                Device = Text(chain, "dev") is { Length: > 0 } device ? device : null,
                DropsByPolicy = Text(chain, "policy") == "drop",
            };
        }

        foreach (JsonElement rule in Named(all, "rule"))
        {
            FirewallTable table = TableOf(rule);
            if (table.Chains.TryGetValue(Text(rule, "chain"), out FirewallChain? chain) && rule.TryGetProperty("expr", out JsonElement expressions) && expressions.ValueKind == JsonValueKind.Array)
            {
                string handle = rule.TryGetProperty("handle", out JsonElement number) ? $" (handle {number})" : "";
                chain.Rules.AddRange(new NftRule(table, chain.Name + handle, name => sets.TryGetValue(KeyOf(rule, name), out JsonElement elements) ? elements : null).Read(expressions));
            }
        }

        return [.. tables.Values];

        FirewallTable TableOf(JsonElement item)
        {
            string key = KeyOf(item, "");
            if (!tables.TryGetValue(key, out FirewallTable? table))
            {
                tables[key] = table = new FirewallTable(FirewallTool.Nft, Text(item, "family"), Text(item, "table"));
            }

            return table;
        }
    }

    private static IEnumerable<JsonElement> Named(JsonElement items, string kind)
    {
        foreach (JsonElement item in items.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty(kind, out JsonElement found) && found.ValueKind == JsonValueKind.Object)
            {
                yield return found;
            }
        }
    }

    private static string KeyOf(JsonElement item, string set) => $"{Text(item, "family")} {Text(item, "table")} {set}";

    private static string Text(JsonElement item, string key) =>
        item.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
