using System.ComponentModel;
using VibePN.E2E.Harness;

namespace VibePN.Bench.Tunnels;

/// <summary>A way between two hosts that is measured.</summary>
/// <param name="Key">In results.</param>
/// <param name="Name">For people.</param>
/// <param name="Programs">What must be installed.</param>
/// <param name="Version">The command that says which one it is; empty: none.</param>
/// <param name="MaxLegs">Peers that one instance can have.</param>
/// <param name="Create">The last parameter numbers the tunnels of a star; it decides ports and addresses.</param>
internal sealed record TunnelKind(
    string Key, string Name, IReadOnlyList<string> Programs, IReadOnlyList<string> Version, int MaxLegs, Func<TunnelKind, Star, int, Tunnel> Create)
{
    public const string Raw = "raw";
    public const string VibePN = "vibepn";
    public const string WireGuard = "wireguard-go";

    private const int Many = 100;

    public static IReadOnlyList<TunnelKind> All { get; } =
    [
        new(Raw, "raw veth", [], [], 1, (kind, star, number) => new RawTunnel(kind, star, number)),
        new(VibePN, "VibePN", [], [VibeTunnel.Executable, "version"], Many, (kind, star, number) => new VibeTunnel(kind, star, number, "auto")),
        new("vibepn-gnutls", "VibePN (GnuTLS)", [], [], Many, (kind, star, number) => new VibeTunnel(kind, star, number, "gnutls")),
        new(WireGuard, "wireguard-go", ["wireguard-go", "wg"], Package("wireguard-go"), Many, (kind, star, number) => new WireGuardTunnel(kind, star, number)),
        new("openvpn", "OpenVPN", ["openvpn"], Package("openvpn"), 1, (kind, star, number) => new OpenVpnTunnel(kind, star, number)),
        new("nebula", "Nebula", ["nebula", "nebula-cert"], Package("nebula"), Many, (kind, star, number) => new NebulaTunnel(kind, star, number)),
    ];

    /// <summary>The first line of what it says about itself; empty: nothing.</summary>
    public string DescribeVersion()
    {
        try
        {
            return Version.Count == 0 || Shell.Run(Version) is not { ExitCode: 0 } outcome ? "" : outcome.Output.Split('\n')[0].Trim();
        }
        catch (Win32Exception)
        {
            // No Debian.
            return "";
        }
    }

    public IEnumerable<string> MissingPrograms() => Programs.Where(program =>
        !$"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program))));

    /// <summary>The package says more than the program: wireguard-go calls itself by an older number.</summary>
    private static string[] Package(string name) => ["dpkg-query", "--show", "--showformat", "${Package} ${Version}", name];
}
