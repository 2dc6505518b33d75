using VibePN.E2E.Harness;

namespace VibePN.Bench.Tunnels;

/// <summary>OpenVPN 2.6 point to point over UDP, TLS with fingerprints of self-signed certificates, AES-128-GCM, otherwise its defaults.</summary>
internal sealed class OpenVpnTunnel(TunnelKind kind, Star star, int number) : Tunnel(kind, star, number)
{
    private const int Ends = 2;

    protected override void StartPrograms()
    {
        TestIdentity[] identities = [TestIdentity.Create("hub"), TestIdentity.Create("leaf")];
        for (var host = Ends - 1; host >= 0; host--)
        {
            var folder = FolderOf(host);
            File.WriteAllText(Path.Combine(folder, "crt"), identities[host].CertificatePem);
            var key = Path.Combine(folder, "key");
            File.WriteAllText(key, identities[host].KeyPem);
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var remote = host == 0 ? Star.Legs[0].LeafOutside : Star.Legs[0].HubOutside;
            var fingerprint = string.Join(':', identities[1 - host].Fingerprint.ToUpperInvariant().Chunk(2).Select(pair => new string(pair)));
            string[] role = host == 0 ? ["--tls-client"] : ["--tls-server", "--dh", "none"];
            Launch(host, [
                "openvpn", "--dev", Interface, "--dev-type", "tun", "--proto", "udp", "--remote", remote, "--port", PortText,
                "--ifconfig", Inside(host), Inside(1 - host), "--cert", Path.Combine(folder, "crt"), "--key", key,
                "--peer-fingerprint", fingerprint, "--data-ciphers", "AES-128-GCM", "--cipher", "AES-128-GCM", "--disable-dco",
                "--verb", "1", .. role]);
        }
    }
}
