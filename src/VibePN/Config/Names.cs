using System.Text;

namespace VibePN.Config;

/// <summary>The rule for names of nodes, peers and networks, and what is made from them.</summary>
public static class Names
{
    public const int MaxLength = 32;

    /// <summary>For messages.</summary>
    public const string Rule = "1 to 32 of a-z, 0-9 and '-', not beginning with '-'";

    /// <summary>Of a link: IFNAMSIZ − 1 (linux/if.h).</summary>
    private const int MaxInterfaceBytes = 15;

    public static bool IsValid(string name) =>
        name.Length is >= 1 and <= MaxLength && name[0] != '-' && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <summary>The nearest valid name: "Web_01.lan" becomes "web-01".</summary>
    public static string Tame(string text)
    {
        string host = text.Split('.')[0];
        StringBuilder tame = new();
        foreach (char c in host)
        {
            char lower = char.ToLowerInvariant(c);
            _ = tame.Append(char.IsAsciiLetterLower(lower) || char.IsAsciiDigit(lower) ? lower : '-');
        }

        string name = tame.ToString().Trim('-');
        name = name.Length > MaxLength ? name[..MaxLength].TrimEnd('-') : name;
        return name.Length == 0 ? "node" : name;
    }

    /// <summary>"vpn-NAME"; past 15 characters "vpn-", the name's first 6, "-", and the first 4 hexadecimal digits of its SHA-256.</summary>
    public static string InterfaceOf(string network)
    {
        string plain = "vpn-" + network;
        if (plain.Length <= MaxInterfaceBytes)
        {
            return plain;
        }

        Span<byte> digest = stackalloc byte[Digest.Sha256Bytes];
        Digest.Sha256(Encoding.UTF8.GetBytes(network), digest);
        return $"vpn-{network[..6]}-{Convert.ToHexStringLower(digest[..2])}";
    }

    /// <summary>As the kernel's dev_valid_name, and ASCII without '%', which it would take for a pattern.</summary>
    public static bool IsInterface(string name) =>
        name.Length is >= 1 and <= MaxInterfaceBytes && name is not ("." or "..") && name.All(c => c is > ' ' and < (char)0x7f and not ('/' or ':' or '%'));
}
