using System.Net;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor;
using VibePN.Doctor.Facts;
using VibePN.Identity;
using VibePN.Linux;
using Xunit;

namespace VibePN.Tests.Doctor;

/// <summary>Each check, provoked and found: a healthy host is spoilt in one place.</summary>
public sealed class CheckupTests
{
    private const FindingSeverity Info = FindingSeverity.Info;
    private const FindingSeverity Warning = FindingSeverity.Warning;
    private const FindingSeverity Error = FindingSeverity.Error;

    /// <summary>Name of the fault, the check that must find it, how bad it is, a word of the cause, cure or place; and how to make it.</summary>
    private static readonly (string Name, string Check, FindingSeverity Severity, string Says, Func<HostFacts, HostFacts> Spoil)[] Faults =
    [
        ("config with errors", "config.file", Error, "config.toml:3", facts => facts with { Config = new ConfigFacts(HealthyHost.ConfigPath, null, [new ConfigError(HealthyHost.ConfigPath, 3, 1, "unknown key")]) }),
        ("config missing", "config.file", Error, "init", facts => facts with { Config = new ConfigFacts(HealthyHost.ConfigPath, null, [new ConfigError(HealthyHost.ConfigPath, 0, 0, "no such file; vibepn init")]) }),
        ("peer without fingerprint", "config.meaning", Warning, "config.toml:10", facts => facts.Rewriting(("fingerprint = \"2222222222222222222222222222222222222222222222222222222222222222\"", ""))),
        ("peer is ourselves", "config.meaning", Warning, "config.toml:13", facts => facts.Rewriting(($"fingerprint = \"{HealthyHost.Id}\"", "")) with { Identity = facts.Identity! with { Id = PeerId.Parse(new string('2', 64)) } }),
        ("peer inside the tunnel", "config.meaning", Warning, "config.toml:12", facts => facts.Rewriting(("two.example", "10.42.0.2"))),
        ("peer at our own address", "config.meaning", Warning, "own", facts => facts.Rewriting(("two.example", "203.0.113.1"))),
        ("no way to be dialed", "config.meaning", Warning, "config.toml:8", facts => facts.Rewriting(("address = \"two.example:51820\"", ""), ("[::]:51820", "[::]:0"))),
        ("no peers", "config.meaning", Info, "vibepn invite", facts => facts.WithConfig(WithoutPeers()).WithStatus(status => status with { Peers = [] })),
        ("certificate missing", "identity.files", Error, "config.toml:2", facts => facts with { Identity = facts.Identity! with { CertProblem = "there is no /etc/vibepn/node.crt" } }),
        ("key missing", "identity.files", Error, "config.toml:3", facts => facts with { Identity = facts.Identity! with { KeyProblem = "there is no /etc/vibepn/node.key" } }),
        ("key open to the group", "identity.permissions", Error, "chmod 600 /etc/vibepn/node.key", facts => facts with { Identity = facts.Identity! with { KeyMode = facts.Identity.KeyMode | UnixFileMode.GroupRead } }),
        ("key of another user", "identity.permissions", Warning, "chown", facts => facts with { Identity = facts.Identity! with { KeyOwner = 1234 } }),
        ("key of root, daemon of vibepn", "identity.permissions", Error, "chown", facts => facts with { Identity = facts.Identity! with { KeyOwner = 0 } }),
        ("foreign key", "identity.match", Error, "config.toml:3", facts => facts with { Identity = facts.Identity! with { PairProblem = "the key does not belong to the first certificate" } }),
        ("other fingerprint", "identity.fingerprint", Error, "config.toml:4", facts => facts with { Identity = facts.Identity! with { Id = PeerId.Parse(new string('3', 64)), LoadProblem = "other" } }),
        ("certificate expired", "identity.expiry", Error, "rotate-key", facts => facts with { Identity = facts.Identity! with { NotAfterUtc = HealthyHost.Now.AddDays(-1) } }),
        ("certificate expires soon", "identity.expiry", Warning, "29 days", facts => facts with { Identity = facts.Identity! with { NotAfterUtc = HealthyHost.Now.AddDays(29.5) } }),
        ("rotation interrupted", "identity.rotation", Warning, "/etc/vibepn/node.key.next", facts => facts with { Identity = facts.Identity! with { NextKey = "/etc/vibepn/node.key.next" } }),
        ("no CAP_NET_ADMIN", "system.capabilities", Error, "NET_ADMIN", facts => facts with { Process = facts.Process with { DaemonCapabilities = 1ul << ProcessFacts.SysNice } }),
        ("no CAP_SYS_NICE", "system.capabilities", Info, "SYS_NICE", facts => facts with { Process = facts.Process with { DaemonCapabilities = 1ul << ProcessFacts.NetAdmin } }),
        ("low port", "system.capabilities", Error, "config.toml:8", facts => facts.Rewriting(("[::]:51820", "[::]:443"))),
        ("no /dev/net/tun", "system.tun", Error, "modprobe tun", facts => facts with { System = facts.System with { TunProblem = "there is no /dev/net/tun" } }),
        ("ngtcp2 too old", "system.libraries", Error, "1.11", facts => facts with { System = facts.System with { LibraryProblem = "ngtcp2 1.11 or newer is needed" } }),
        ("no accelerator", "system.accelerator", Info, "libipsec-mb", facts => facts.WithStatus(status => status with { PacketProtection = "AES-128-GCM (GnuTLS): libipsec-mb is not installed" })),
        ("accelerator demanded", "system.accelerator", Error, "crypto", facts => facts.WithStatus(status => status with { PacketProtection = "none: libipsec-mb is demanded, but it is not installed" })),
        ("clock of 1970", "system.clock", Error, "1970", facts => facts with { NowUtc = DateTimeOffset.UnixEpoch }),
        ("clock before the certificate", "system.clock", Error, "valid from", facts => facts with { Identity = facts.Identity! with { NotBeforeUtc = HealthyHost.Now.AddDays(1) } }),
        ("clock runs free", "system.clock", Info, "set-ntp", facts => facts with { System = facts.System with { IsClockSynchronized = false } }),
        ("port taken", "system.port", Error, "dnsmasq (pid 12)", facts => facts.WithoutDaemon().WithHolder("0.0.0.0", 12, "dnsmasq (pid 12)")),
        ("port taken by somebody", "system.port", Error, "1234", facts => facts.WithoutDaemon().WithHolder("203.0.113.1", null, null)),
        ("listen on an address of others", "system.port", Error, "198.51.100.1", facts => facts.Rewriting(("[::]:51820", "198.51.100.1:51820"))),
        ("small buffers", "system.buffers", Info, "sysctl -w net.core.rmem_max=7340032", facts => facts with { Process = facts.Process with { DaemonCapabilities = 0 } }),
        ("offloads of the daemon", "system.offloads", Info, "corrupts", facts => facts.WithStatus(status => status with { Offloads = new OffloadsDto { UdpGro = true, UdpGsoReason = "Linux 7.0 corrupts runs" } })),
        ("offloads tried", "system.offloads", Info, "TCP data was changed", facts => facts.WithoutDaemon() with { System = facts.System with { Offloads = new OffloadTrial(null, null, "TCP data was changed", null) } }),
        ("no daemon", "daemon.running", Warning, "systemctl start vibepn", HealthyHost.WithoutDaemon),
        ("daemon does not answer", "daemon.running", Warning, "usermod", facts => facts.WithoutDaemon() with { Daemon = new DaemonFacts(null, "no permission; usermod -aG vibepn USER") }),
        ("daemon of another version", "daemon.version", Warning, "systemctl restart vibepn", facts => facts.WithStatus(status => status with { Version = "0.9" })),
        ("daemon on another config", "daemon.config", Info, "--config /root/other.toml", facts => facts.WithStatus(status => status with { Config = "/root/other.toml" })),
        ("config not confirmed", "daemon.config", Warning, "vibepn confirm", facts => facts.WithStatus(status => status with { ConfirmByUtc = HealthyHost.Now })),
        ("config not reloaded", "daemon.config", Info, "vibepn reload", facts => facts with { Daemon = facts.Daemon with { Unapplied = ["peer three: new"] } }),
        ("warning of the daemon", "daemon.warnings", Warning, "metrics", facts => facts.WithStatus(status => status with { Warnings = ["metrics address in use"] })),
        ("socket open to all", "daemon.socket", Warning, "chmod o=", facts => facts with { Socket = facts.Socket! with { Mode = (UnixFileMode)0x1B6 } }),
        ("socket path too long", "daemon.socket", Error, "107", facts => facts with { Socket = new SocketFacts("/run/" + new string('x', 110)) }),
        ("state is a file", "daemon.state", Error, "no directory", facts => facts with { State = facts.State! with { IsNoDirectory = true } }),
        ("state of root", "daemon.state", Error, "chown", facts => facts with { State = facts.State! with { Owner = 0 } }),
        ("disk full", "daemon.state", Error, "KiB", facts => facts with { State = facts.State! with { FreeBytes = 1000 } }),
        ("disk nearly full", "daemon.state", Warning, "KiB", facts => facts with { State = facts.State! with { FreeBytes = 2_000_000 } }),
        ("damaged introductions", "daemon.memory", Warning, "no introductions are taken", facts => facts with { State = facts.State! with { Unreadable = ["/var/lib/vibepn/introductions.json.unreadable"] } }),
        ("damaged invites", "daemon.memory", Warning, "invites.json", facts => facts with { State = facts.State! with { Unreadable = ["/var/lib/vibepn/invites.json.unreadable"] } }),
        ("interface gone", "network.interface", Error, "vpn-corp", facts => facts with { Network = facts.Network with { Links = [.. facts.Network.Links.Where(link => link.Name != "vpn-corp")] } }),
        ("interface down", "network.interface", Error, "ip link set vpn-corp up", facts => facts.WithTunnel(link => link with { IsUp = false })),
        ("address removed", "network.interface", Error, "10.42.0.1", facts => facts with { Network = facts.Network with { Addresses = [.. facts.Network.Addresses.Where(address => address.InterfaceIndex != HealthyHost.Tunnel)] } }),
        ("MTU changed", "network.interface", Warning, "mtu 1420", facts => facts.WithTunnel(link => link with { Mtu = 9000 })),
        ("interface of others", "network.interface", Warning, "ip link delete vpn-corp", facts => facts.WithoutDaemon() with { Network = facts.Network }),
        ("prefix on another interface", "network.overlap", Error, "both claim", facts => facts.WithRoute(HealthyHost.Route(HealthyHost.Lan, "10.42.0.0/24"))),
        ("prefix inside of a LAN", "network.overlap", Warning, "config.toml:18", facts => facts.WithRoute(HealthyHost.Route(HealthyHost.Lan, "10.0.0.0/8"))),
        ("LAN inside of the prefix", "network.overlap", Warning, "10.42.0.16/28", facts => facts.WithRoute(HealthyHost.Route(HealthyHost.Lan, "10.42.0.16/28"))),
        ("prefix by a router", "network.overlap", Warning, "router", facts => facts.WithRoute(HealthyHost.Route(HealthyHost.Lan, "10.42.0.0/24", "192.168.10.254"))),
        ("prefix inside of a wider route", "network.overlap", Info, "10.0.0.0/8", facts => facts.WithRoute(HealthyHost.Route(HealthyHost.Lan, "10.0.0.0/8", "192.168.10.254"))),
        ("own address elsewhere", "network.overlap", Error, "config.toml:19", facts => facts with { Network = facts.Network with { Addresses = [.. facts.Network.Addresses, HealthyHost.Address(HealthyHost.Lan, "10.42.0.1", 32)] } }),
        ("announced without a route", "network.routes", Warning, "config.toml:21", facts => facts.Rewriting(("192.168.10.0/24", "172.16.0.0/16"))),
        ("strict filter and a default route", "network.rp_filter", Warning, "rp_filter=2", facts => facts.Rewriting(("192.168.20.0/24", "0.0.0.0/0")).WithSysctl("net/ipv4/conf/all/rp_filter", "1")),
        ("strict filter and a route around the peer", "network.rp_filter", Warning, "config.toml:15", facts => facts.Rewriting(("192.168.20.0/24", "203.0.113.0/24")).WithSysctl("net/ipv4/conf/all/rp_filter", "0").WithSysctl("net/ipv4/conf/eth0/rp_filter", "1")),
        ("strict filters on two ways", "network.rp_filter", Info, "lan", facts => facts.WithRoute(HealthyHost.Route(HealthyHost.Lan, "0.0.0.0/0", "192.168.10.254")).WithSysctl("net/ipv4/conf/all/rp_filter", "1")),
        ("no IPv4 forwarding", "network.forwarding", Error, "sysctl -w net.ipv4.ip_forward=1", facts => facts.WithSysctl("net/ipv4/ip_forward", "0")),
        ("no IPv6 forwarding", "network.forwarding", Error, "sysctl -w net.ipv6.conf.all.forwarding=1", facts => facts.WithSysctl("net/ipv6/conf/all/forwarding", "0")),
        ("firewall drops all", "firewall.input", Error, "iptables -I INPUT -p udp --dport 51820 -j ACCEPT", facts => facts.WithFirewall("*filter\n:INPUT DROP [0:0]\n")),
        ("firewall drops IPv4 only", "firewall.input", Warning, "policy drop of chain INPUT", facts => facts.WithFirewall("*filter\n:INPUT DROP [0:0]\n") with
            { Names = new Dictionary<string, NameFacts> { ["two.example"] = new([IPAddress.Parse("203.0.113.2"), IPAddress.Parse("2001:db8::2")], null) }, Network = facts.Network with { Addresses = [.. facts.Network.Addresses, HealthyHost.Address(HealthyHost.Eth0, "2001:db8::1", 64)] } }),
        ("firewall drops IPv4 only, peer has no other", "firewall.input", Error, "IPv4", facts => facts.WithFirewall("*filter\n:INPUT DROP [0:0]\n") with
            { Network = facts.Network with { Addresses = [.. facts.Network.Addresses, HealthyHost.Address(HealthyHost.Eth0, "2001:db8::1", 64)] } }),
        ("firewall takes answers", "firewall.input", Warning, "cannot dial this host", facts => facts.WithFirewall("*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n")),
        ("firewall takes answers, peer dials us", "firewall.input", Error, "nobody can begin", facts => facts.WithFirewall("*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n").Rewriting(("address = \"two.example:51820\"", ""))),
        ("firewall may take some", "firewall.input", Info, "accepts some", facts => facts.WithFirewall("*filter\n:INPUT DROP [0:0]\n-A INPUT -s 203.0.113.0/24 -j ACCEPT\n")),
        ("firewall lets nothing out", "firewall.output", Error, "--sport 51820", facts => facts.WithFirewall("*filter\n:OUTPUT DROP [0:0]\n")),
        ("firewall drops the tunnel", "firewall.tunnel", Error, "iptables -I INPUT -i vpn-corp -j ACCEPT", facts => facts.WithFirewall("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i vpn-+ -j DROP\n")),
        ("firewall drops pings", "firewall.tunnel", Warning, "pings", facts => facts.WithFirewall("*filter\n:INPUT DROP [0:0]\n-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p udp --dport 51820 -j ACCEPT\n")),
        ("docker drops what is forwarded", "firewall.forward", Error, "iptables -I FORWARD -i vpn-corp -j ACCEPT", facts => facts.WithFirewall("*filter\n:FORWARD DROP [0:0]\n-A FORWARD -o docker0 -j ACCEPT\n")),
        ("two entries of one node", "peers.twins", Error, "two and twin", facts => facts.Rewriting(("[networks.corp]", Twin("other.example", '3'))) with
            { Lineages = [new Lineage([PeerId.Parse(new string('2', 64)), PeerId.Parse(new string('3', 64))], [1])] }),
        ("two entries at one address", "peers.twins", Warning, "two.example:51820", facts => facts.Rewriting(("[networks.corp]", Twin("two.example", '3')))),
        ("name does not resolve", "peers.names", Warning, "config.toml:12", facts => facts with { Names = new Dictionary<string, NameFacts> { ["two.example"] = new([], "no such host") } }),
        ("peer unreachable", "peers.state", Warning, "no answer", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.Unreachable, Reason = "no answer", Address = "203.0.113.2:51820" })),
        ("introduced peer refuses", "peers.state", Warning, "hub", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.RefusedByPeer, Trust = PeerTrustSource.Introduction, IntroducedBy = ["hub"] })),
        ("peer refuses", "peers.state", Error, HealthyHost.Id, facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.RefusedByPeer })),
        ("peer refused", "peers.state", Error, "--update --name two", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.RefusedByUs, Reason = "other fingerprint" })),
        ("peer is two hosts", "peers.state", Error, "198.51.100.7:51820", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.Connected, CopiesAt = "198.51.100.7:51820 and 203.0.113.2:51820" })),
        ("peer dialed", "peers.state", Info, "dialed", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.Dialing })),
        ("peer waits", "peers.state", Info, "has to dial", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.Waiting })),
        ("peer silent", "peers.state", Warning, "4.0 s", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.Connected, UnansweredMillis = 4000 })),
        ("path lost large packets", "peers.mtu", Info, "carried more", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.Connected, MtuBytes = 1280, MtuState = MtuState.Capped })),
        ("path with a black hole", "peers.mtu", Info, "2 times", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.Connected, MtuBytes = 1420, MtuState = MtuState.Settled, BlackHoles = 2 })),
        ("path too narrow", "peers.mtu", Info, "1200", facts => facts.WithPeer(new PeerDto { Name = "two", State = PeerState.Connected, MtuBytes = 1200, MtuState = MtuState.Settled })),
    ];

    public static TheoryData<string> FaultNames => [.. Faults.Select(fault => fault.Name)];

    [Fact]
    public void HealthyHost_EveryCheck_IsMadeAndFine()
    {
        DoctorDto answer = Checkup.Judge(HealthyHost.Facts);

        Assert.All(answer.Findings, finding => Assert.True(finding.Severity == FindingSeverity.Ok, finding.ToString()));
        Assert.Empty(answer.Skipped);
        Assert.Equal(Checkup.All.Select(check => check.Id), answer.Findings.Select(finding => finding.Check));
        Assert.Equal((0, 0), (answer.Errors, answer.Warnings));
    }

    [Theory]
    [MemberData(nameof(FaultNames))]
    public void SpoiltHost_TheFault_IsFoundByItsCheck(string name)
    {
        var fault = Faults.Single(fault => fault.Name == name);

        DoctorDto answer = Checkup.Judge(fault.Spoil(HealthyHost.Facts));

        FindingDto[] found = [.. answer.Findings.Where(finding => finding.Check == fault.Check && finding.Severity == fault.Severity)];
        Assert.True(found.Length > 0, string.Join('\n', answer.Findings.Where(finding => finding.Check == fault.Check || finding.Severity != FindingSeverity.Ok)));
        Assert.True(
            found.Any(finding => $"{finding.What}\n{finding.Cause}\n{finding.Cure}\n{finding.Place}".Contains(fault.Says, StringComparison.Ordinal)),
            string.Join('\n', found.AsEnumerable()));
        Assert.Equal(answer.Findings.Count(finding => finding.Severity == FindingSeverity.Error), answer.Errors);
    }

    [Fact]
    public void Twins_TwoEntriesOfTwoNodes_AreFine()
    {
        DoctorDto answer = Checkup.Judge(HealthyHost.Facts.Rewriting(("[networks.corp]", Twin("other.example", '3'))) with
        {
            Lineages = [new Lineage([PeerId.Parse(new string('2', 64)), PeerId.Parse(new string('4', 64))], [1]), new Lineage([PeerId.Parse(new string('3', 64)), PeerId.Parse(new string('5', 64))], [1])],
        });

        Assert.Equal(FindingSeverity.Ok, Assert.Single(answer.Findings, finding => finding.Check == "peers.twins").Severity);
    }

    [Fact]
    public void Faults_Together_ProvokeEveryCheck() =>
        Assert.Equal(Checkup.All.Select(check => check.Id).Order(StringComparer.Ordinal), Faults.Select(fault => fault.Check).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Checks_OnWhateverIsMissing_AlwaysSaySomething()
    {
        HostFacts bare = new()
        {
            Version = "1.0",
            NowUtc = HealthyHost.Now,
            Config = new ConfigFacts(HealthyHost.ConfigPath, null, [], IsHidden: true),
            Process = new ProcessFacts(1000, 0),
            System = new SystemFacts { TunProblem = "no", IsTunHidden = true },
            Network = new NetworkFacts { Problem = "no" },
            Firewall = new FirewallFacts([], ["only root"]),
            Daemon = new DaemonFacts(null),
        };
        foreach (HostFacts facts in new[] { bare, bare with { Config = HealthyHost.Facts.Config, Identity = new IdentityFacts { IsKeyHidden = true, KeyProblem = "hidden" }, State = new DirectoryFacts("/x") { Nearest = "/" } } })
        {
            DoctorDto answer = Checkup.Judge(facts);

            Assert.Equal(0, answer.Errors);
            Assert.Equal(
                Checkup.All.Select(check => check.Id).Order(StringComparer.Ordinal),
                answer.Findings.Select(finding => finding.Check).Concat(answer.Skipped.Select(skipped => skipped.Check)).Distinct().Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Document_TableOfChecks_IsThatOfTheCode()
    {
        string[] documented =
        [
            .. File.ReadLines(Path.Combine(FindRoot(), "docs", "doctor.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal))
                .Select(line => line.Split('|')).Select(cells => $"{cells[1].Trim().Trim('`')}: {cells[2].Trim()}"),
        ];

        Assert.Equal(Checkup.All.Select(check => $"{check.Id}: {check.Question}"), documented);
    }

    private static string Twin(string host, char digit) => $"""
        [[peers]]
        name = "twin"
        address = "{host}:51820"
        fingerprint = "{new string(digit, 64)}"
        networks = ["corp"]

        [networks.corp]
        """;

    private static string WithoutPeers()
    {
        int start = HealthyHost.ConfigText.IndexOf("[[peers]]", StringComparison.Ordinal);
        return HealthyHost.ConfigText.Remove(start, HealthyHost.ConfigText.IndexOf("[networks", StringComparison.Ordinal) - start);
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new FileNotFoundException("VibePN.slnx above the tests");
    }
}
