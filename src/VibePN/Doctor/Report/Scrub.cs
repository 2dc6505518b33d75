using System.Text.RegularExpressions;

namespace VibePN.Doctor.Report;

/// <summary>Takes secrets out of text that leaves the host: private keys, invites, and values whose name says that they are secret.</summary>
internal static partial class Scrub
{
    public const string Mark = "(left out)";

    public static string Clean(string text) => Secret().Replace(Invite().Replace(PrivateKey().Replace(text, Mark), $"vibepn1:{Mark}"), $"$1{Mark}");

    /// <summary>PEM (RFC 7468), also where its end is cut off.</summary>
    [GeneratedRegex(@"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)", RegexOptions.Singleline)]
    private static partial Regex PrivateKey();

    [GeneratedRegex(@"vibepn1:[A-Za-z0-9_-]+", RegexOptions.IgnoreCase)]
    private static partial Regex Invite();

    /// <summary>As TOML, JSON or shell writes it.</summary>
    [GeneratedRegex(@"(?im)(\b[\w-]*(?:secret|password|passphrase|private_?key|psk)\b[""']?\s*[=:]\s*)(?!\(left out\))(""[^""\n]*""|'[^'\n]*'|[^\s,;}]+)")]
    private static partial Regex Secret();
}
