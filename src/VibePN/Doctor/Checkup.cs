using VibePN.Api;
using VibePN.Doctor.Checks;
using VibePN.Doctor.Facts;

namespace VibePN.Doctor;

/// <summary><c>vibepn doctor</c>: looks at the host, then judges.</summary>
public static class Checkup
{
    private const string NoConfig = "there is no config that loads";

    /// <summary>In the order in which they are told.</summary>
    internal static IReadOnlyList<Check> All { get; } =
    [
        new("config.file", "the config file loads", ConfigChecks.File),
        new("config.meaning", "the config does what was meant", Needs(ConfigChecks.Meaning)),
        new("identity.files", "certificate and key are there", Needs(IdentityChecks.Files)),
        new("identity.permissions", "the key is its owner's alone", Needs(IdentityChecks.Permissions)),
        new("identity.match", "the key belongs to the certificate", Needs(IdentityChecks.Match)),
        new("identity.fingerprint", "`fingerprint` of the config is the certificate's", Needs(IdentityChecks.Fingerprint)),
        new("identity.expiry", "the certificate is valid, and for some time to come", Needs(IdentityChecks.Expiry)),
        new("identity.rotation", "no rotation of the key was interrupted", Needs(IdentityChecks.Rotation)),
        new("system.capabilities", "the daemon has the rights that it needs", SystemChecks.Capabilities),
        new("system.tun", "/dev/net/tun can be opened", SystemChecks.Tun),
        new("system.libraries", "ngtcp2 and GnuTLS are there and new enough", SystemChecks.Libraries),
        new("system.accelerator", "packets are sealed by the fastest library", SystemChecks.Accelerator),
        new("system.clock", "the clock is plausible and kept right", SystemChecks.Clock),
        new("system.port", "the UDP port is free, or the daemon's", SystemChecks.Port),
        new("system.buffers", "the kernel grants the socket buffers", SystemChecks.Buffers),
        new("system.offloads", "the kernel's offloads work", SystemChecks.Offloads),
        new("daemon.running", "the daemon runs and answers", DaemonChecks.Running),
        new("daemon.version", "it is of the version of this program", DaemonChecks.Version),
        new("daemon.config", "it runs on the config file as it is now", DaemonChecks.Config),
        new("daemon.warnings", "it has no warnings of its own", DaemonChecks.Warnings),
        new("daemon.socket", "its socket is open to the right users only", DaemonChecks.Socket),
        new("daemon.state", "it can write its state directory", Needs(DaemonChecks.State)),
        new("daemon.memory", "what it remembers there is undamaged", Needs(DaemonChecks.Memory)),
        new("network.interface", "each network's interface is up, with its address", Needs(NetworkChecks.Interface)),
        new("network.overlap", "no network overlaps with one of the host's", Needs(NetworkChecks.Overlap)),
        new("network.routes", "the host itself reaches the `routes` that it announces", Needs(NetworkChecks.Routes)),
        new("network.rp_filter", "reverse-path filters let the peers' datagrams in", Needs(NetworkChecks.ReversePath)),
        new("network.forwarding", "the host forwards, where it announces `routes`", Needs(NetworkChecks.Forwarding)),
        new("firewall.input", "the firewall lets the peers' datagrams in", Needs(FirewallChecks.Input)),
        new("firewall.output", "the firewall lets our datagrams out", Needs(FirewallChecks.Output)),
        new("firewall.tunnel", "the firewall lets in what comes through the tunnel", Needs(FirewallChecks.Tunnel)),
        new("firewall.forward", "the firewall forwards, where `routes` are announced", Needs(FirewallChecks.Forward)),
        new("peers.twins", "no two entries are one node", Needs(PeerChecks.Twins)),
        new("peers.names", "the peers' host names resolve", Needs(PeerChecks.Names)),
        new("peers.state", "each peer is connected", PeerChecks.State),
        new("peers.mtu", "each peer's path carries large packets", PeerChecks.Mtu),
    ];

    /// <param name="configPath">May be missing or wrong.</param>
    /// <param name="socketPath">Null: the config's.</param>
    /// <param name="version">Of this program.</param>
    /// <param name="clock">Of the host.</param>
    public static async Task<DoctorDto> RunAsync(string configPath, string? socketPath, string version, TimeProvider clock)
    {
        long start = clock.GetTimestamp();
        HostFacts facts = await FactReader.ReadAsync(Path.GetFullPath(configPath), socketPath, version, clock).ConfigureAwait(false);
        return Judge(facts) with { Millis = Math.Round(clock.GetElapsedTime(start).TotalMilliseconds, 1) };
    }

    /// <summary>Pure.</summary>
    internal static DoctorDto Judge(HostFacts facts)
    {
        List<FindingDto> findings = [];
        List<SkippedCheckDto> skipped = [];
        foreach (Check check in All)
        {
            foreach (Finding finding in check.Judge(facts))
            {
                if (finding.IsSkip)
                {
                    skipped.Add(new SkippedCheckDto { Check = check.Id, Why = finding.What });
                    continue;
                }

                findings.Add(new FindingDto
                {
                    Severity = finding.Severity,
                    Check = check.Id,
                    What = finding.What,
                    Cause = finding.Cause,
                    Cure = finding.Cure,
                    Place = finding.Place,
                });
            }
        }

        return new DoctorDto
        {
            Version = facts.Version,
            Config = facts.Config.Path,
            DaemonRuns = facts.Daemon.Status is not null,
            Errors = findings.Count(finding => finding.Severity == FindingSeverity.Error),
            Warnings = findings.Count(finding => finding.Severity == FindingSeverity.Warning),
            Findings = findings,
            Skipped = skipped,
        };
    }

    private static Func<HostFacts, IEnumerable<Finding>> Needs(Func<HostFacts, Config.NodeConfig, IEnumerable<Finding>> judge) =>
        facts => facts.Config.Config is { } config ? judge(facts, config) : [Finding.Skip(NoConfig)];
}
