using System.Net;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Facts;
using VibePN.Doctor.Firewall;
using VibePN.Linux;
using Xunit;

namespace VibePN.Tests.Doctor;

/// <summary>A host on which nothing is wrong, to be spoilt one thing at a time.</summary>
internal static class HealthyHost
{
    public const string ConfigPath = "/etc/vibepn/config.toml";
    public const int Eth0 = 2;
    public const int Lan = 3;
    public const int Tunnel = 4;
    public const uint ServiceUser = 990;
    public const string Id = "1111111111111111111111111111111111111111111111111111111111111111";

    public const string ConfigText = $$"""
        [identity]
        cert = "/etc/vibepn/node.crt"
        key = "/etc/vibepn/node.key"
        fingerprint = "{{Id}}"

        [node]
        name = "one"
        listen = "[::]:51820"

        [[peers]]
        name = "two"
        address = "two.example:51820"
        fingerprint = "2222222222222222222222222222222222222222222222222222222222222222"
        networks = ["corp"]
        allow_routes = ["192.168.20.0/24"]

        [networks.corp]
        prefix = "10.42.0.0/24"
        address = "10.42.0.1"
        export = true
        routes = ["192.168.10.0/24", "fd10::/64"]
        """;

    public static DateTimeOffset Now { get; } = new(2026, 11, 23, 10, 0, 0, TimeSpan.Zero);

    public static HostFacts Facts { get; } = new()
    {
        Version = "1.0",
        NowUtc = Now,
        Config = Parse(ConfigText),
        Identity = new IdentityFacts
        {
            KeyMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            KeyOwner = ServiceUser,
            Id = PeerId.Parse(Id),
            NotBeforeUtc = Now.AddDays(-100),
            NotAfterUtc = Now.AddYears(9),
        },
        Process = new ProcessFacts(0, ulong.MaxValue)
        {
            ServiceUserId = ServiceUser,
            DaemonUserId = ServiceUser,
            DaemonCapabilities = (1ul << ProcessFacts.NetAdmin) | (1ul << ProcessFacts.SysNice),
        },
        System = new SystemFacts
        {
            NgTcp2 = "1.11.0",
            GnuTls = "3.7.9",
            PacketProtection = "AES-128-GCM (libipsec-mb 1.3.0, AVX-512)",
            IsAccelerated = true,
            IsClockSynchronized = true,
            UdpSockets = [new UdpHolder(new IPEndPoint(IPAddress.IPv6Any, 51820), ServiceUser, 77, "vibepn (pid 77)")],
            Sysctls = new Dictionary<string, string>
            {
                ["net/ipv4/ip_forward"] = "1",
                ["net/ipv6/conf/all/forwarding"] = "1",
                ["net/ipv4/conf/all/rp_filter"] = "2",
                ["net/ipv4/conf/eth0/rp_filter"] = "0",
                ["net/core/rmem_max"] = "212992",
                ["net/core/wmem_max"] = "212992",
            },
        },
        Network = new NetworkFacts
        {
            Links = [new HostLink(1, "lo", 65536, true), new HostLink(Eth0, "eth0", 1500, true), new HostLink(Lan, "lan", 1500, true), new HostLink(Tunnel, "vpn-corp", 1420, true)],
            Addresses = [Address(1, "127.0.0.1", 8), Address(Eth0, "203.0.113.1", 24), Address(Lan, "192.168.10.1", 24), Address(Tunnel, "10.42.0.1", 24)],
            Routes =
            [
                Route(Eth0, "0.0.0.0/0", "203.0.113.254"),
                Route(Eth0, "203.0.113.0/24"),
                Route(Lan, "192.168.10.0/24"),
                Route(Lan, "fd10::/64"),
                Route(Tunnel, "10.42.0.0/24"),
            ],
        },
        Firewall = new FirewallFacts([], []),
        Daemon = new DaemonFacts(Status) { Unapplied = [] },
        State = new DirectoryFacts("/var/lib/vibepn") { Exists = true, Nearest = "/var/lib/vibepn", MayWrite = true, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, Owner = ServiceUser, FreeBytes = 1L << 30 },
        Socket = new SocketFacts("/run/vibepn/vibepn.sock") { Exists = true, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite },
        Names = new Dictionary<string, NameFacts> { ["two.example"] = new([IPAddress.Parse("203.0.113.2")], null) },
    };

    public static StatusDto Status => new()
    {
        Version = "1.0",
        Name = "one",
        Id = Id,
        Pid = 77,
        Config = ConfigPath,
        Listen = ["[::]:51820"],
        PacketProtection = "AES-128-GCM (libipsec-mb 1.3.0, AVX-512)",
        Offloads = new OffloadsDto { UdpGro = true, UdpGso = true },
        Networks = [new NetworkDto { Name = "corp", Interface = "vpn-corp", Addresses = ["10.42.0.1"], MtuBytes = 1420, Offloads = new TunOffloadsDto { Tcp = true, Udp = true } }],
        Peers = [new PeerDto { Name = "two", State = PeerState.Connected, MtuBytes = 1420, MtuState = MtuState.Settled }],
    };

    public static ConfigFacts Parse(string text) => new(ConfigPath, ConfigFile.Parse(text, ConfigPath), []) { Places = new ConfigPlaces(text, ConfigPath) };

    public static HostFacts WithConfig(this HostFacts facts, string text) => facts with { Config = Parse(text) };

    /// <summary>Its config changed by replacements, which must hit.</summary>
    public static HostFacts Rewriting(this HostFacts facts, params (string Before, string After)[] changes)
    {
        string text = ConfigText;
        foreach ((string before, string after) in changes)
        {
            Assert.Contains(before, text, StringComparison.Ordinal);
            text = text.Replace(before, after, StringComparison.Ordinal);
        }

        return facts.WithConfig(text);
    }

    public static HostFacts WithStatus(this HostFacts facts, Func<StatusDto, StatusDto> change) => facts with { Daemon = facts.Daemon with { Status = change(facts.Daemon.Status!) } };

    public static HostFacts WithPeer(this HostFacts facts, PeerDto peer) => facts.WithStatus(status => status with { Peers = [peer] });

    public static HostFacts WithoutDaemon(this HostFacts facts) => facts with
    {
        Daemon = new DaemonFacts(null, "the daemon is not running", NobodyThere: true),
        Process = facts.Process with { DaemonUserId = null, DaemonCapabilities = null },
        System = facts.System with { UdpSockets = [], Offloads = new OffloadTrial(null, null, null, null) },
        Network = facts.Network with { Links = [.. facts.Network.Links.Where(link => link.Index != Tunnel)] },
    };

    public static HostFacts WithHolder(this HostFacts facts, string address, int? pid, string? holder) =>
        facts with { System = facts.System with { UdpSockets = [new UdpHolder(new IPEndPoint(IPAddress.Parse(address), 51820), 1234, pid, holder)] } };

    public static HostFacts WithTunnel(this HostFacts facts, Func<HostLink, HostLink> change) =>
        facts with { Network = facts.Network with { Links = [.. facts.Network.Links.Select(link => link.Index == Tunnel ? change(link) : link)] } };

    public static HostFacts WithSysctl(this HostFacts facts, string path, string value) =>
        facts with { System = facts.System with { Sysctls = new Dictionary<string, string>(facts.System.Sysctls) { [path] = value } } };

    public static HostFacts WithRoute(this HostFacts facts, HostRoute route) => facts with { Network = facts.Network with { Routes = [.. facts.Network.Routes, route] } };

    public static HostFacts WithFirewall(this HostFacts facts, string iptables) => facts with { Firewall = new FirewallFacts(IptablesRuleset.Parse(iptables, isV6: false), []) };

    public static HostAddress Address(int index, string address, int length) => new(index, new InterfaceAddress(IPAddress.Parse(address), length));

    public static HostRoute Route(int index, string prefix, string? gateway = null) =>
        new(index, IPNetwork.Parse(prefix), gateway is null ? null : IPAddress.Parse(gateway), 0, null, 2);
}
