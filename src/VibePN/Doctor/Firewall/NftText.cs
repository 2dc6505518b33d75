using System.Text.Json;

namespace VibePN.Doctor.Firewall;

/// <summary>Expressions of nftables in about the words in which they were written, for people.</summary>
internal static class NftText
{
    private const int MaxElements = 6;

    public static string Of(JsonElement expression) => expression.ValueKind switch
    {
        JsonValueKind.String => expression.GetString()!,
        JsonValueKind.Array => List(expression),
        JsonValueKind.Object => OfObject(expression),
        _ => expression.GetRawText(),
    };

    public static bool TryGetLong(this JsonElement element, out long value)
    {
        value = 0;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out value);
    }

    private static string OfObject(JsonElement expression)
    {
        foreach (JsonProperty part in expression.EnumerateObject())
        {
            JsonElement value = part.Value;
            return part.Name switch
            {
                "payload" when Has(value, "protocol", out string protocol) && Has(value, "field", out string field) => $"{protocol} {field}",
                "meta" when Has(value, "key", out string key) => key is "iif" or "oif" or "iifname" or "oifname" or "mark" ? key : $"meta {key}",
                "ct" when Has(value, "key", out string key) => $"ct {key}",
                "set" or "|" => $"{{ {List(value)} }}",
                "range" when value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2 => $"{Of(value[0])}-{Of(value[1])}",
                "prefix" when Has(value, "addr", out string address) && value.TryGetProperty("len", out JsonElement length) => $"{address}/{length}",
                _ => $"({part.Name})",
            };
        }

        return "";
    }

    private static string List(JsonElement array)
    {
        if (array.ValueKind != JsonValueKind.Array)
        {
            return Of(array);
        }

        List<string> words = [];
        foreach (JsonElement element in array.EnumerateArray())
        {
            if (words.Count == MaxElements)
            {
                words.Add("…");
                break;
            }

            words.Add(Of(element));
        }

        return string.Join(", ", words);
    }

    private static bool Has(JsonElement item, string key, out string text)
    {
        bool has = item.ValueKind == JsonValueKind.Object && item.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String;
        text = has ? item.GetProperty(key).GetString()! : "";
        return has;
    }
}
