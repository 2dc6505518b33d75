using System.Net;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Firewall;
using VibePN.Identity;
using VibePN.Linux;

namespace VibePN.Doctor.Facts;

/// <summary>
/// All that <c>doctor</c> judges, gathered once by <see cref="FactReader"/>; the checks look at nothing else. What is null could not be looked at, or is not
/// there for want of a config or a daemon.
/// </summary>
internal sealed record HostFacts
{
    public required string Version { get; init; }

    public required DateTimeOffset NowUtc { get; init; }

    public required ConfigFacts Config { get; init; }

    public IdentityFacts? Identity { get; init; }

    public required ProcessFacts Process { get; init; }

    public required SystemFacts System { get; init; }

    public required NetworkFacts Network { get; init; }

    public required FirewallFacts Firewall { get; init; }

    public required DaemonFacts Daemon { get; init; }

    /// <summary>The state directory.</summary>
    public DirectoryFacts? State { get; init; }

    /// <summary>Successions that peers have shown to the daemon, as far as this user may look.</summary>
    public IReadOnlyList<Lineage> Lineages { get; init; } = [];

    /// <summary>The daemon's socket.</summary>
    public SocketFacts? Socket { get; init; }

    /// <summary>Host names of peers, as they resolve.</summary>
    public IReadOnlyDictionary<string, NameFacts> Names { get; init; } = new Dictionary<string, NameFacts>();
}

/// <param name="Path">Absolute.</param>
/// <param name="Config">Null: it does not load, and <paramref name="Errors"/> say why.</param>
/// <param name="IsHidden">It is there, and this user may not read it.</param>
internal sealed record ConfigFacts(string Path, NodeConfig? Config, IReadOnlyList<ConfigError> Errors, bool IsHidden = false)
{
    public ConfigPlaces? Places { get; init; }
}

internal sealed record IdentityFacts
{
    /// <summary>Why the certificate cannot be read; null: it can.</summary>
    public string? CertProblem { get; init; }

    /// <summary>Why the key cannot be read.</summary>
    public string? KeyProblem { get; init; }

    /// <summary>The key is there, and this user may not read it.</summary>
    public bool IsKeyHidden { get; init; }

    public UnixFileMode? KeyMode { get; init; }

    public uint? KeyOwner { get; init; }

    /// <summary>Of the certificate.</summary>
    public PeerId? Id { get; init; }

    public DateTimeOffset? NotBeforeUtc { get; init; }

    public DateTimeOffset? NotAfterUtc { get; init; }

    /// <summary>What TLS says to key and certificate together; null: they fit, or could not be tried.</summary>
    public string? PairProblem { get; init; }

    /// <summary>The key of a rotation that did not come to its end, or null.</summary>
    public string? NextKey { get; init; }

    /// <summary>What the daemon says to the identity, the fingerprint of the config included.</summary>
    public string? LoadProblem { get; init; }
}

/// <summary>This process, and the daemon's where one answers.</summary>
/// <param name="UserId">Effective.</param>
/// <param name="Capabilities">Effective; bits of linux/capability.h.</param>
internal sealed record ProcessFacts(uint UserId, ulong Capabilities)
{
    public const int NetBindService = 10;
    public const int NetAdmin = 12;
    public const int SysNice = 23;

    public uint? DaemonUserId { get; init; }

    public ulong? DaemonCapabilities { get; init; }

    /// <summary>Of the account that the daemon is meant for.</summary>
    public uint? ServiceUserId { get; init; }

    public bool IsRoot => UserId == 0;

    public static bool Has(ulong capabilities, int number) => (capabilities >> number & 1) != 0;
}

internal sealed record SystemFacts
{
    /// <summary>Why /dev/net/tun cannot be opened; null: it can.</summary>
    public string? TunProblem { get; init; }

    /// <summary>It is there, and this user may not open it.</summary>
    public bool IsTunHidden { get; init; }

    /// <summary>What is missing or too old of the libraries.</summary>
    public string? LibraryProblem { get; init; }

    public string? NgTcp2 { get; init; }

    public string? GnuTls { get; init; }

    /// <summary>What seals packets, and why nothing faster does.</summary>
    public string? PacketProtection { get; init; }

    public bool IsAccelerated { get; init; }

    /// <summary>Somebody keeps the clock right.</summary>
    public bool? IsClockSynchronized { get; init; }

    public IReadOnlyList<UdpHolder> UdpSockets { get; init; } = [];

    /// <summary>Null: the daemon runs, and says it itself.</summary>
    public OffloadTrial? Offloads { get; init; }

    /// <summary>Files under /proc/sys, by their path there; a missing one is not there.</summary>
    public IReadOnlyDictionary<string, string> Sysctls { get; init; } = new Dictionary<string, string>();

    public int? Sysctl(string path) => Sysctls.TryGetValue(path, out string? text) && int.TryParse(text, out int value) ? value : null;
}

/// <summary>A bound UDP socket of this host.</summary>
/// <param name="Holder">Such as "dnsmasq (pid 12)"; null: it could not be seen.</param>
internal sealed record UdpHolder(IPEndPoint Local, uint UserId, int? Pid = null, string? Holder = null);

internal sealed record NetworkFacts
{
    public IReadOnlyList<HostLink> Links { get; init; } = [];

    public IReadOnlyList<HostAddress> Addresses { get; init; } = [];

    public IReadOnlyList<HostRoute> Routes { get; init; } = [];

    /// <summary>Why the above could not be read.</summary>
    public string? Problem { get; init; }

    public string NameOf(int index) => Links.FirstOrDefault(link => link.Index == index)?.Name ?? $"interface {index}";
}

/// <param name="Tables">Of all tools.</param>
/// <param name="Hidden">Why there may be more, or why nothing could be seen at all; empty: that is all.</param>
internal sealed record FirewallFacts(IReadOnlyList<FirewallTable> Tables, IReadOnlyList<string> Hidden);

/// <param name="Status">Null: none answered.</param>
/// <param name="Problem">Why not.</param>
/// <param name="NobodyThere">None runs; else it could not be asked.</param>
internal sealed record DaemonFacts(StatusDto? Status, string? Problem = null, bool NobodyThere = false)
{
    /// <summary>What a reload would change, in words; null: it was not asked.</summary>
    public IReadOnlyList<string>? Unapplied { get; init; }
}

internal sealed record DirectoryFacts(string Path)
{
    public bool Exists { get; init; }

    /// <summary>Something else has its name.</summary>
    public bool IsNoDirectory { get; init; }

    /// <summary>The innermost directory on the way that is there: the directory itself, or where it would be made.</summary>
    public required string Nearest { get; init; }

    /// <summary>This process may write into <see cref="Nearest"/>.</summary>
    public bool MayWrite { get; init; }

    public UnixFileMode? Mode { get; init; }

    public uint? Owner { get; init; }

    public long? FreeBytes { get; init; }

    /// <summary>Damaged files that the daemon has put aside; null: this user may not look.</summary>
    public IReadOnlyList<string>? Unreadable { get; init; } = [];
}

internal sealed record SocketFacts(string Path)
{
    public bool Exists { get; init; }

    public UnixFileMode? Mode { get; init; }
}

/// <param name="Problem">Null: it resolves.</param>
internal sealed record NameFacts(IReadOnlyList<IPAddress> Addresses, string? Problem);
