namespace VibePN.Tests.Config;

/// <summary>Config files to start from.</summary>
internal static class ConfigTexts
{
    public const string Pin = "f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678";
    public const string OtherPin = "00000000000000000000000000000000000000000000000000000000000000aa";

    /// <summary>Shaped like the Go daemon's files: identity, peers, networks with prefix, address and export.</summary>
    public const string GoDaemon = """
        # comment
        [identity]
        cert = "/etc/vibepn/certs/node1.crt"
        key  = "/etc/vibepn/certs/node1.key"
        fingerprint = "ABCD1234ef567890abcd1234ef567890abcd1234ef567890abcd1234ef567890"

        [[peers]]
        name = "node2"
        address = "203.0.113.42:51820"
        fingerprint = "f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678"
        networks = ["corp"]

        [[peers]]
        name = "node3"
        address = "node3.example.net:51820"
        fingerprint = ""
        networks = ["corp", "local"]

        [networks.corp]
        prefix = "10.42.0.0/24"
        address = "auto"
        export = true

        [networks.local]
        prefix = "10.99.0.0/24"
        address = "10.99.0.7"
        export = false
        """;

    public const string Full = """
        [identity]
        cert = "node.crt"
        key  = "/keys/node.key"

        [node]
        name    = "node1"
        listen  = "0.0.0.0:7000"
        socket  = "run/vibepn.sock"
        metrics = ""
        state   = "/var/lib/other"
        trust   = "tofu"

        [tuning]
        tun_offloads = false
        udp_gso = false
        udp_gro = false
        crypto  = "ipsec-mb"

        [[peers]]
        name = "node2"
        address = "[2001:db8::2]:51820"
        fingerprint = "f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678"
        networks = ["corp"]
        allow_routes = ["192.168.20.0/24", "fd99::/48"]
        addresses = ["10.42.0.9", "fd42::9"]

        [networks.corp]
        prefix  = "10.42.0.0/24"
        prefixes = ["fd42::/64"]
        address = ["fd42::1", "10.42.0.1"]
        export  = true
        routes  = ["192.168.10.0/24"]
        accept_routes = false
        mtu     = 1380
        interface = "tun-corp"
        """;

    /// <summary>The least that loads; further lines go behind it, from line 6.</summary>
    public const string Least = """
        [identity]
        cert = "c"
        key = "k"
        [networks.corp]
        prefix = "10.42.0.0/24"

        """;
}
