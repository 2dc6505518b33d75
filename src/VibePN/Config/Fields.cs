using System.Net;

namespace VibePN.Config;

/// <summary>Values that occur in more than one table.</summary>
internal static class Fields
{
    /// <summary>Empty counts as absent: so the Go daemon's files write it.</summary>
    public static PeerId? Fingerprint(Located? located, ConfigErrors errors)
    {
        if (located is not { Value.Length: > 0 } text)
        {
            return null;
        }

        if (PeerId.TryParse(text.Value, out PeerId id))
        {
            return id;
        }

        string wrong = text.Value.Length == PeerId.SizeBytes * 2 ? "there is another character in it" : $"it has {text.Value.Length} characters";
        errors.Add(text.At, $"a fingerprint is {PeerId.SizeBytes * 2} hexadecimal digits, but {wrong}; 'vibepn status' on the other node shows it");
        return null;
    }

    public static string? Name(Located? text, ConfigErrors errors)
    {
        if (text is not { } name || Names.IsValid(name.Value))
        {
            return text?.Value;
        }

        errors.Add(name.At, $"'{name.Value}' is no name: {Names.Rule}; '{Names.Tame(name.Value)}' would do");
        return null;
    }

    public static IPNetwork? Prefix(Located text, ConfigErrors errors)
    {
        if (IpText.ParsePrefix(text.Value, out IPNetwork prefix) is not { } wrong)
        {
            return prefix;
        }

        errors.Add(text.At, wrong);
        return null;
    }

    public static List<IPNetwork> Prefixes(IEnumerable<Located> texts, ConfigErrors errors) =>
        [.. texts.Select(text => Prefix(text, errors)).OfType<IPNetwork>()];

    public static IPAddress? Address(Located text, ConfigErrors errors)
    {
        if (IpText.TryParseAddress(text.Value, out IPAddress? address))
        {
            return address;
        }

        errors.Add(text.At, $"'{text.Value}' is no IPv4 or IPv6 address; write one like 10.42.0.1, without a prefix length");
        return null;
    }
}
