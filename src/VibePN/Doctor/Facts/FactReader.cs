using System.Net;
using System.Net.Sockets;
using VibePN.Api;
using VibePN.Config;
using VibePN.Linux;
using VibePN.Linux.Files;
using VibePN.Quic;

namespace VibePN.Doctor.Facts;

/// <summary>Looks at the host, once, at all of it side by side. Changes nothing. What fails is a fact, too: nothing is thrown.</summary>
internal static class FactReader
{
    /// <summary>Names that take longer count as not resolving.</summary>
    private static readonly TimeSpan NameTime = TimeSpan.FromSeconds(2);

    private const int MaxNames = 256;

    private static readonly string[] Sysctls = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/core/rmem_max", "net/core/wmem_max"];

    public static async Task<HostFacts> ReadAsync(string configPath, string? socketPath, string version, TimeProvider clock)
    {
        ConfigFacts config = ReadConfig(configPath);
        string socket = socketPath ?? config.Config?.Node.Socket ?? new NodeSettings { Name = "" }.Socket;
        (uint user, ulong capabilities) = ProcFiles.ReadStatus("self") ?? (uint.MaxValue, 0);
        Task<FirewallFacts> firewall = FirewallReader.ReadAsync(user == 0);
        Task<IReadOnlyDictionary<string, NameFacts>> names = ReadNamesAsync(config.Config, clock);
        Task<DaemonFacts> asking = AskDaemonAsync(socket, config.Config, clock);
        Task<IdentityFacts?> identity = Task.Run(() => config.Config is { } known ? IdentityReader.Read(known.Identity) : null);
        NetworkFacts network = ReadNetwork();
        DaemonFacts daemon = await asking.ConfigureAwait(false);
        SystemFacts system = await Task.Run(() => ReadSystem(config.Config, network, triesOffloads: daemon.Status is null)).ConfigureAwait(false);
        (uint UserId, ulong Capabilities)? other = daemon.Status is { Pid: > 0 } status ? ProcFiles.ReadStatus($"{status.Pid}") : null;
        return new HostFacts
        {
            Version = version,
            NowUtc = clock.GetUtcNow(),
            Config = config,
            Identity = await identity.ConfigureAwait(false),
            Process = new ProcessFacts(user, capabilities)
            {
                DaemonUserId = other?.UserId,
                DaemonCapabilities = other?.Capabilities,
                ServiceUserId = Accounts.FindUser(Accounts.ServiceName),
            },
            System = system,
            Network = network,
            Firewall = await firewall.ConfigureAwait(false),
            Daemon = daemon,
            State = config.Config is { } loaded ? ReadDirectory(loaded.Node.State) : null,
            Lineages = config.Config is { } peers ? NodeLineages.Read(peers.Node.State) : [],
            Socket = ReadSocket(socket),
            Names = await names.ConfigureAwait(false),
        };
    }

    private static ConfigFacts ReadConfig(string path)
    {
        try
        {
            string text = ConfigFile.ReadText(path);
            return new ConfigFacts(path, ConfigFile.Parse(text, path), []) { Places = new ConfigPlaces(text, path) };
        }
        catch (ConfigException failure)
        {
            return new ConfigFacts(path, null, failure.Errors, failure.IsHidden);
        }
    }

    private static async Task<DaemonFacts> AskDaemonAsync(string socket, NodeConfig? config, TimeProvider clock)
    {
        try
        {
            ApiClient client = new(socket);
            using CancellationTokenSource limit = new(NameTime, clock);
            StatusDto status = await client.GetStatusAsync(limit.Token).ConfigureAwait(false);
            DaemonFacts facts = new(status);
            if (config is null || status.Config != config.Path)
            {
                return facts;
            }

            ReloadDto difference = await client.ReloadAsync(new ReloadRequestDto { DryRun = true }, limit.Token).ConfigureAwait(false);
            return facts with { Unapplied = [.. difference.Changes.Select(change => change.Text)] };
        }
        catch (ApiException failure)
        {
            return new DaemonFacts(null, failure.Message, failure.IsNobodyThere);
        }
        catch (OperationCanceledException)
        {
            return new DaemonFacts(null, $"the daemon at {socket} did not answer within {NameTime.TotalSeconds:0} s");
        }
    }

    private static NetworkFacts ReadNetwork()
    {
        try
        {
            using HostNetwork host = new();
            return new NetworkFacts { Links = host.Links(), Addresses = host.Addresses(), Routes = host.Routes() };
        }
        catch (LinuxException failure)
        {
            return new NetworkFacts { Problem = failure.Message };
        }
    }

    private static SystemFacts ReadSystem(NodeConfig? config, NetworkFacts network, bool triesOffloads)
    {
        (string? tunProblem, bool isTunHidden) = TryTun();
        SystemFacts facts = new()
        {
            TunProblem = tunProblem,
            IsTunHidden = isTunHidden,
            IsClockSynchronized = KernelClock.IsSynchronized(),
            UdpSockets = ReadUdp(config?.Node.Listen.Port ?? NodeSettings.DefaultPort),
            Offloads = triesOffloads ? TryOffloads() : null,
            Sysctls = ReadSysctls(network, config),
        };
        try
        {
            QuicLibrary.EnsureLoaded();
            PacketProtectionMode mode = Node.ProtectionMode((config?.Tuning ?? new TuningSettings()).Crypto);
            string protection = QuicLibrary.DescribePacketProtection(mode);
            return facts with
            {
                NgTcp2 = QuicLibrary.NgTcp2Version,
                GnuTls = QuicLibrary.GnuTlsVersion,
                PacketProtection = protection,
                IsAccelerated = !protection.Contains("GnuTLS", StringComparison.Ordinal) && !protection.StartsWith("none", StringComparison.Ordinal),
            };
        }
        catch (QuicException failure)
        {
            return facts with { LibraryProblem = failure.Message };
        }
    }

    private static OffloadTrial? TryOffloads()
    {
        try
        {
            return OffloadTrial.Run();
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    private static (string? Problem, bool IsHidden) TryTun()
    {
        const string Device = "/dev/net/tun";
        try
        {
            using var opened = File.OpenHandle(Device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return (null, false);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return ($"there is no {Device}", false);
        }
        catch (UnauthorizedAccessException)
        {
            return ($"{Device} may not be opened by this user", true);
        }
        catch (IOException failure)
        {
            return ($"{Device} cannot be opened: {failure.Message}", false);
        }
    }

    private static IReadOnlyList<UdpHolder> ReadUdp(int port)
    {
        List<(UdpHolder Socket, ulong Inode)> sockets = [];
        foreach (string file in new[] { "/proc/net/udp", "/proc/net/udp6" })
        {
            if (TryRead(file) is { } text)
            {
                sockets.AddRange(ProcFiles.ParseUdp(text).Where(entry => entry.Socket.Local.Port == port));
            }
        }

        Dictionary<ulong, (int Pid, string Name)> holders = ProcFiles.FindHolders(sockets.Select(entry => entry.Inode).ToHashSet());
        return
        [
            .. sockets.Select(entry => holders.TryGetValue(entry.Inode, out (int Pid, string Name) holder)
                ? entry.Socket with { Pid = holder.Pid, Holder = $"{holder.Name} (pid {holder.Pid})" }
                : entry.Socket),
        ];
    }

    private static Dictionary<string, string> ReadSysctls(NetworkFacts network, NodeConfig? config)
    {
        Dictionary<string, string> found = [];
        IEnumerable<string> interfaces = network.Links.Select(link => link.Name).Concat(config?.Networks.Select(own => own.Interface) ?? []).Concat(["all", "default"]);
        foreach (string path in Sysctls.Concat(interfaces.Distinct().Select(name => $"net/ipv4/conf/{name}/rp_filter")))
        {
            if (TryRead("/proc/sys/" + path) is { } text)
            {
                found[path] = text.Trim();
            }
        }

        return found;
    }

    private static DirectoryFacts ReadDirectory(string path)
    {
        string nearest = path;
        while (!Directory.Exists(nearest) && Path.GetDirectoryName(nearest) is { Length: > 0 } parent)
        {
            nearest = parent;
        }

        DirectoryFacts facts = new(path) { Nearest = nearest, Exists = nearest == path, IsNoDirectory = File.Exists(path) };
        try
        {
            facts = facts with { Unreadable = facts.Exists ? [.. Directory.EnumerateFiles(path, "*.unreadable").Order(StringComparer.Ordinal)] : [] };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            facts = facts with { Unreadable = null };
        }

        try
        {
            return facts with
            {
                MayWrite = PosixFile.MayWriteInto(nearest),
                Mode = File.GetUnixFileMode(nearest),
                Owner = PosixFile.GetOwner(nearest).UserId,
                FreeBytes = new DriveInfo(nearest).AvailableFreeSpace,
            };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return facts;
        }
    }

    private static SocketFacts ReadSocket(string path)
    {
        try
        {
            return File.Exists(path) ? new SocketFacts(path) { Exists = true, Mode = File.GetUnixFileMode(path) } : new SocketFacts(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new SocketFacts(path);
        }
    }

    private static async Task<IReadOnlyDictionary<string, NameFacts>> ReadNamesAsync(NodeConfig? config, TimeProvider clock)
    {
        string[] hosts = [.. (config?.Peers ?? []).Select(peer => peer.Address).OfType<HostPort>().Where(address => address.Literal is null)
            .Select(address => address.Host).Distinct(StringComparer.OrdinalIgnoreCase).Take(MaxNames)];
        using CancellationTokenSource limit = new(NameTime, clock);
        NameFacts[] found = await Task.WhenAll(hosts.Select(host => Task.Run(() => ResolveAsync(host, limit.Token)))).ConfigureAwait(false);
        return hosts.Zip(found).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.OrdinalIgnoreCase);
    }

    private static async Task<NameFacts> ResolveAsync(string host, CancellationToken cancel)
    {
        try
        {
            return new NameFacts(await Dns.GetHostAddressesAsync(host, cancel).WaitAsync(cancel).ConfigureAwait(false), null);
        }
        catch (SocketException failure)
        {
            return new NameFacts([], failure.Message);
        }
        catch (OperationCanceledException)
        {
            return new NameFacts([], $"no answer within {NameTime.TotalSeconds:0} s");
        }
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
