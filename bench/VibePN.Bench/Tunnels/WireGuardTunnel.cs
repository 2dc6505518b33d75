using System.Globalization;
using VibePN.E2E.Harness;

namespace VibePN.Bench.Tunnels;

/// <summary>wireguard-go with its defaults (MTU 1420).</summary>
internal sealed class WireGuardTunnel(TunnelKind kind, Star star, int number) : Tunnel(kind, star, number)
{
    public const string SocketFolder = "/var/run/wireguard";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private readonly int _number = number;
    private readonly List<string> _sockets = [];

    /// <summary>A program that is killed leaves its control socket behind.</summary>
    public override void Dispose()
    {
        base.Dispose();
        foreach (var socket in _sockets)
        {
            File.Delete(socket);
        }
    }

    protected override void StartPrograms()
    {
        var count = Star.Legs.Count + 1;
        var keys = new (string File, string Public)[count];
        for (var host = 0; host < count; host++)
        {
            var file = Path.Combine(FolderOf(host), "key");
            File.WriteAllText(file, HostOf(host).Must("wg", "genkey"));
            keys[host] = (file, HostOf(host).Must("sh", "-c", $"wg pubkey <{file}").Trim());
        }

        for (var host = 0; host < count; host++)
        {
            // The folder of control sockets is the machine's, so the name must differ on every host.
            var link = string.Create(CultureInfo.InvariantCulture, $"wb{Environment.ProcessId}{Star.Key[0]}{_number}{host}");
            var socket = Path.Combine(SocketFolder, link + ".sock");
            _sockets.Add(socket);
            Launch(host, "wireguard-go", "-f", link);
            Wait.Until(_patience, "wireguard-go's control socket", () => File.Exists(socket));
            List<string> set = ["wg", "set", link, "private-key", keys[host].File, "listen-port", PortText];
            for (var other = 0; other < count; other++)
            {
                if (other != host && (host == 0 || other == 0))
                {
                    var address = host == 0 ? Star.Legs[other - 1].LeafOutside : Star.Legs[host - 1].HubOutside;
                    set.AddRange(["peer", keys[other].Public, "allowed-ips", Inside(other) + "/32", "endpoint", $"{address}:{PortText}"]);
                }
            }

            HostOf(host).Must([.. set]);
            HostOf(host).Ip("address", "add", Inside(host) + "/24", "dev", link);
            HostOf(host).Ip("link", "set", link, "up");
        }
    }
}
