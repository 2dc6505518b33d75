using System.Text;

namespace VibePN.Bench.Tunnels;

/// <summary>Nebula with AES and its defaults (MTU 1300), hosts known to each other statically.</summary>
internal sealed class NebulaTunnel(TunnelKind kind, Star star, int number) : Tunnel(kind, star, number)
{
    protected override void StartPrograms()
    {
        var authority = Path.Combine(FolderOf(0), "ca");
        HostOf(0).Must("nebula-cert", "ca", "-name", "bench", "-out-crt", authority + ".crt", "-out-key", authority + ".key");
        for (var host = 0; host <= Star.Legs.Count; host++)
        {
            var folder = FolderOf(host);
            HostOf(host).Must(
                "nebula-cert", "sign", "-ca-crt", authority + ".crt", "-ca-key", authority + ".key", "-name", HostOf(host).Name,
                "-ip", Inside(host) + "/24", "-out-crt", folder + "/crt", "-out-key", folder + "/key");
            File.WriteAllText(folder + "/config.yml", Config(host, folder, authority));
            Launch(host, "nebula", "-config", folder + "/config.yml");
        }
    }

    private string Config(int host, string folder, string authority)
    {
        StringBuilder hosts = new();
        if (host == 0)
        {
            for (var i = 0; i < Star.Legs.Count; i++)
            {
                hosts.Append($"  \"{Inside(i + 1)}\": [\"{Star.Legs[i].LeafOutside}:{PortText}\"]\n");
            }
        }
        else
        {
            hosts.Append($"  \"{Inside(0)}\": [\"{Star.Legs[host - 1].HubOutside}:{PortText}\"]\n");
        }

        return $"""
            pki:
              ca: {authority}.crt
              cert: {folder}/crt
              key: {folder}/key
            static_host_map:
            {hosts}
            lighthouse:
              am_lighthouse: false
            listen:
              host: 0.0.0.0
              port: {PortText}
            cipher: aes
            tun:
              dev: {Interface}
            logging:
              level: warning
              format: text
            firewall:
              outbound:
                - port: any
                  proto: any
                  host: any
              inbound:
                - port: any
                  proto: any
                  host: any

            """;
    }
}
