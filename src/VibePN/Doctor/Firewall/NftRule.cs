using System.Text.Json;

namespace VibePN.Doctor.Firewall;

/// <summary>One rule of nftables, as rules of ours: one for each verdict that it may come to.</summary>
/// <param name="table">Told when connection tracking is switched off.</param>
/// <param name="where">For people.</param>
/// <param name="findSet">The elements of a named set or map.</param>
internal sealed class NftRule(FirewallTable table, string where, Func<string, JsonElement?> findSet)
{
    private readonly List<Func<FirewallPacket, Certainty>> _matches = [];
    private readonly List<FirewallRule> _rules = [];
    private readonly List<string> _words = [];

    public IReadOnlyList<FirewallRule> Read(JsonElement expressions)
    {
        foreach (JsonElement expression in expressions.EnumerateArray())
        {
            if (expression.ValueKind == JsonValueKind.Object)
            {
                foreach (JsonProperty part in expression.EnumerateObject())
                {
                    ReadPart(part.Name, part.Value);
                }
            }
        }

        return _rules;
    }

    private void ReadPart(string name, JsonElement value)
    {
        switch (name)
        {
            case "match":
                ReadMatch(value);
                break;
            case "vmap":
                ReadVerdicts(value);
                break;
            case "accept" or "drop" or "reject" or "return" or "jump" or "goto" or "queue":
                AddVerdict(name, value, packet => Certainty.Yes);
                break;
            case "notrack":
                table.HasUntracked = true;
                break;
            case "counter" or "comment" or "log" or "mangle" or "ct helper" or "ct timeout" or "ct expectation" or "flow" or "dup" or "set" or "map" or "secmark":
                break;
            case "xt" when value.ValueKind == JsonValueKind.Object && value.TryGetProperty("type", out JsonElement type) && NftText.Of(type) == "target":
                _words.Add("(a target of iptables)");
                Add(FirewallAction.Unknown, null, packet => Certainty.Yes, "");
                break;
            default:
                // Rates, quotas, extensions of iptables: some packets at most.
                _words.Add($"({name})");
                _matches.Add(packet => Certainty.Maybe);
                break;
        }
    }

    private void ReadMatch(JsonElement match)
    {
        if (match.ValueKind != JsonValueKind.Object || !match.TryGetProperty("left", out JsonElement left) || !match.TryGetProperty("right", out JsonElement right))
        {
            _matches.Add(packet => Certainty.Maybe);
            return;
        }

        string op = match.TryGetProperty("op", out JsonElement operation) ? NftText.Of(operation) : "==";
        _words.Add($"{NftText.Of(left)} {(op is "==" or "in" ? "" : op + " ")}{NftText.Of(right)}");
        NftField field = new(left, table);
        _matches.Add(op switch
        {
            "==" or "in" => packet => Compare(field.Of(packet), right, field.IsProtocol),
            "!=" => packet => field.Of(packet) is { IsAbsent: false } value ? PacketFields.Not(Compare(value, right, field.IsProtocol)) : Certainty.No,
            "<" or ">" or "<=" or ">=" when right.TryGetLong(out long bound) => packet => field.Of(packet).IsBetween(
                op[0] == '<' ? long.MinValue : op == ">" ? bound + 1 : bound, op[0] == '>' ? long.MaxValue : op == "<" ? bound - 1 : bound),
            _ => packet => Certainty.Maybe,
        });
    }

    /// <summary>"ct state vmap { established : accept }": a rule for each element, of which a packet matches one at most.</summary>
    private void ReadVerdicts(JsonElement map)
    {
        if (map.ValueKind != JsonValueKind.Object || !map.TryGetProperty("key", out JsonElement key) || !map.TryGetProperty("data", out JsonElement data)
            || Elements(data) is not { ValueKind: JsonValueKind.Array } elements)
        {
            _words.Add("(a map of verdicts)");
            Add(FirewallAction.Unknown, null, packet => Certainty.Maybe, "");
            return;
        }

        NftField field = new(key, table);
        foreach (JsonElement element in elements.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() != 2)
            {
                continue;
            }

            JsonElement value = element[0];
            JsonElement verdict = element[1];
            if (verdict.ValueKind == JsonValueKind.Object)
            {
                foreach (JsonProperty part in verdict.EnumerateObject())
                {
                    AddVerdict(part.Name, part.Value, packet => Compare(field.Of(packet), value, field.IsProtocol), $"{NftText.Of(key)} {NftText.Of(value)} ");
                }
            }
        }
    }

    private void AddVerdict(string name, JsonElement value, Func<FirewallPacket, Certainty> and, string words = "")
    {
        FirewallAction action = name switch
        {
            "accept" => FirewallAction.Accept,
            "drop" or "reject" => FirewallAction.Drop,
            "return" => FirewallAction.Return,
            "jump" => FirewallAction.Jump,
            "goto" => FirewallAction.Goto,
            "continue" => FirewallAction.Continue,
            _ => FirewallAction.Unknown,
        };
        string? target = value.ValueKind == JsonValueKind.Object && value.TryGetProperty("target", out JsonElement chain) ? NftText.Of(chain) : null;
        Add(action, target, and, words + name);
    }

    private void Add(FirewallAction action, string? target, Func<FirewallPacket, Certainty> and, string words)
    {
        List<Func<FirewallPacket, Certainty>> matches = [.. _matches, and];
        string text = $"rule '{string.Join(' ', [.. _words, words]).Trim()}' of {where}";
        _rules.Add(new FirewallRule(packet => PacketFields.All(matches, packet), action, target, text));
    }

    private JsonElement? Elements(JsonElement data) => data.ValueKind switch
    {
        JsonValueKind.String when data.GetString() is ['@', .. var name] => findSet(name),
        JsonValueKind.Object when data.TryGetProperty("set", out JsonElement set) => set,
        JsonValueKind.Array => data,
        _ => null,
    };

    private Certainty Compare(FirewallValue value, JsonElement right, bool isProtocol)
    {
        if (value.IsAbsent)
        {
            return Certainty.No;
        }

        switch (right.ValueKind)
        {
            case JsonValueKind.Number:
                return value.IsText(isProtocol ? PacketFields.ProtocolName(right.GetRawText()) : right.GetRawText(), '*');
            case JsonValueKind.String when right.GetString() is ['@', ..]:
            case JsonValueKind.Array:
                return Elements(right) is { ValueKind: JsonValueKind.Array } elements ? CompareToAny(value, elements, isProtocol) : Certainty.Maybe;
            case JsonValueKind.String:
                string text = right.GetString()!;
                return value.IsText(isProtocol ? PacketFields.ProtocolName(text) : text, '*');
            case JsonValueKind.Object:
                return CompareTo(value, right, isProtocol);
            default:
                return Certainty.Maybe;
        }
    }

    private Certainty CompareToAny(FirewallValue value, JsonElement elements, bool isProtocol)
    {
        Certainty any = Certainty.No;
        foreach (JsonElement element in elements.EnumerateArray())
        {
            Certainty one = Compare(value, element, isProtocol);
            any = one > any ? one : any;
        }

        return any;
    }

    private Certainty CompareTo(FirewallValue value, JsonElement right, bool isProtocol)
    {
        if (right.TryGetProperty("set", out JsonElement set) || right.TryGetProperty("|", out set))
        {
            return Compare(value, set, isProtocol);
        }

        if (right.TryGetProperty("elem", out JsonElement wrapped) && wrapped.ValueKind == JsonValueKind.Object && wrapped.TryGetProperty("val", out JsonElement inner))
        {
            return Compare(value, inner, isProtocol);
        }

        return right.TryGetProperty("range", out JsonElement range) && range.ValueKind == JsonValueKind.Array && range.GetArrayLength() == 2
            && range[0].TryGetLong(out long first) && range[1].TryGetLong(out long last)
            ? value.IsBetween(first, last)
            : Certainty.Maybe;
    }
}
