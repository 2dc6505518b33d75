using System.Text;
using System.Text.Json.Nodes;
using VibePN.Bench.Hosts;
using VibePN.E2E.Harness;

namespace VibePN.Bench.Tunnels;

/// <summary>This project's published executable.</summary>
/// <param name="crypto">Who seals packets, a value of <c>[tuning] crypto</c>.</param>
internal sealed class VibeTunnel(TunnelKind kind, Star star, int number, string crypto) : Tunnel(kind, star, number)
{
    public static string Executable { get; } = Environment.GetEnvironmentVariable("VIBEPN_EXE") is { Length: > 0 } given
        ? Path.GetFullPath(given)
        : Path.Combine(Repository.Root, "out", "vibepn");

    /// <summary>What the daemon says that it seals packets with.</summary>
    public string PacketProtection()
    {
        var status = HostOf(0).Must(Executable, "status", "--json", "--socket", Path.Combine(FolderOf(0), "sock"));
        return JsonNode.Parse(status)?["packetProtection"]?.GetValue<string>() ?? "something unknown";
    }

    protected override void StartPrograms()
    {
        TestIdentity[] identities = [.. Enumerable.Range(0, Star.Legs.Count + 1).Select(host => TestIdentity.Create(HostOf(host).Name))];
        for (var host = 0; host < identities.Length; host++)
        {
            var folder = FolderOf(host);
            var key = Path.Combine(folder, "node.key");
            File.WriteAllText(Path.Combine(folder, "node.crt"), identities[host].CertificatePem);
            File.WriteAllText(key, identities[host].KeyPem);
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.WriteAllText(Path.Combine(folder, "config.toml"), Config(host, folder, identities));
            Launch(host, Executable, "daemon", "--config", Path.Combine(folder, "config.toml"));
        }
    }

    private string Config(int host, string folder, TestIdentity[] identities)
    {
        StringBuilder text = new($"""
            [identity]
            cert = "{folder}/node.crt"
            key = "{folder}/node.key"
            [node]
            name = "{HostOf(host).Name}"
            listen = "[::]:{PortText}"
            socket = "{folder}/sock"
            metrics = ""
            state = "{folder}/state"
            [tuning]
            crypto = "{crypto}"
            [networks.bench]
            prefix = "{Network}"
            address = "{Inside(host)}"
            interface = "{Interface}"
            export = true

            """);
        for (var other = 0; other < identities.Length; other++)
        {
            // A star: the leaves know the hub only.
            if (other != host && (host == 0 || other == 0))
            {
                var address = host == 0 ? Star.Legs[other - 1].LeafOutside : Star.Legs[host - 1].HubOutside;
                text.Append($"""
                    [[peers]]
                    name = "{HostOf(other).Name}"
                    address = "{address}:{PortText}"
                    fingerprint = "{identities[other].Fingerprint}"
                    networks = ["bench"]

                    """);
            }
        }

        return text.ToString();
    }
}
