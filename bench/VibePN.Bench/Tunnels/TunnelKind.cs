namespace VibePN.Bench.Tunnels;

/// <summary>A way between two hosts that is measured.</summary>
/// <param name="Key">In results.</param>
/// <param name="Name">For people.</param>
/// <param name="Programs">What must be installed.</param>
/// <param name="MaxLegs">Peers that one instance can have.</param>
/// <param name="Create">The last parameter numbers the tunnels of a star; it decides ports and addresses.</param>
internal sealed record TunnelKind(string Key, string Name, IReadOnlyList<string> Programs, int MaxLegs, Func<TunnelKind, Star, int, Tunnel> Create)
{
    public const string Raw = "raw";
    public const string VibePN = "vibepn";
    public const string WireGuard = "wireguard-go";

    private const int Many = 100;

    public static IReadOnlyList<TunnelKind> All { get; } =
    [
        new(Raw, "raw veth", [], 1, (kind, star, number) => new RawTunnel(kind, star, number)),
        new(VibePN, "VibePN", [], Many, (kind, star, number) => new VibeTunnel(kind, star, number, "auto")),
        new("vibepn-gnutls", "VibePN (GnuTLS)", [], Many, (kind, star, number) => new VibeTunnel(kind, star, number, "gnutls")),
        new(WireGuard, "wireguard-go", ["wireguard-go", "wg"], Many, (kind, star, number) => new WireGuardTunnel(kind, star, number)),
        new("openvpn", "OpenVPN", ["openvpn"], 1, (kind, star, number) => new OpenVpnTunnel(kind, star, number)),
        new("nebula", "Nebula", ["nebula", "nebula-cert"], Many, (kind, star, number) => new NebulaTunnel(kind, star, number)),
    ];

    public static TunnelKind Of(string key) => All.First(kind => kind.Key == key);

    public IEnumerable<string> MissingPrograms() => Programs.Where(program =>
        !$"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program))));
}
