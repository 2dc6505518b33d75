using System.Globalization;
using System.Text.RegularExpressions;

namespace VibePN.E2E.Harness;

/// <summary>
/// Removes hosts and folders of test runs whose process is gone. Names are <c>vpn-tPID-…</c>.
/// </summary>
public sealed partial class Leftovers
{
    public Leftovers()
    {
        foreach (string name in TestHost.AllNamespaces().Where(IsOrphan))
        {
            TestHost.RemoveNamespace(name);
        }

        HostsFile.RemoveLeftovers();
        foreach (string folder in Directory.GetDirectories(Path.GetTempPath(), "vpn-t*").Where(path => IsOrphan(Path.GetFileName(path))))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public static bool IsOrphan(string name) =>
        Name().Match(name) is { Success: true } match
        && !Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{match.Groups[1].Value}"));

    [GeneratedRegex("^vpn-t([0-9]{1,10})-")]
    private static partial Regex Name();
}
