using System.ComponentModel;
using System.Globalization;
using System.Text.RegularExpressions;
using VibePN.Bench.Tunnels;
using VibePN.E2E.Harness;

namespace VibePN.Bench.Hosts;

/// <summary>
/// The hosts and the temporary folder of one run, named <c>vpn-bPID-…</c>. Disposal leaves nothing, whatever still runs in them; any thread
/// may dispose, once more does no harm.
/// </summary>
internal sealed partial class Bed : IDisposable
{
    private const string NamespaceFolder = "/run/netns";

    private readonly Lock _lock = new();
    private readonly List<BenchHost> _hosts = [];
    private bool _isDisposed;

    public Bed()
    {
        Id = string.Create(CultureInfo.InvariantCulture, $"vpn-b{Environment.ProcessId}");
        Folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Id + "-work")).FullName;
        File.SetUnixFileMode(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public string Id { get; }

    public string Folder { get; }

    public BenchHost AddHost(string name)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            BenchHost host = new(Id, name);
            _hosts.Add(host);
            return host;
        }
    }

    /// <summary>Removes all hosts, to make room for the next scene's.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            foreach (var host in _hosts)
            {
                RemoveNamespace(host.Namespace);
            }

            _hosts.Clear();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            Clear();
            if (!_isDisposed)
            {
                _isDisposed = true;
                RemoveSockets(name => name.Groups[1].ValueSpan.SequenceEqual(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
                Directory.Delete(Folder, recursive: true);
            }
        }
    }

    /// <summary>Removes what earlier runs left whose process is gone.</summary>
    public static void RemoveLeftovers()
    {
        if (Directory.Exists(NamespaceFolder))
        {
            foreach (var name in Directory.GetFiles(NamespaceFolder).Select(path => Path.GetFileName(path)).Where(IsOrphan))
            {
                RemoveNamespace(name);
            }
        }

        RemoveSockets(IsGone);
        foreach (var folder in Directory.GetDirectories(Path.GetTempPath(), "vpn-b*").Where(path => IsOrphan(Path.GetFileName(path))))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Control sockets that wireguard-go left when it was killed.</summary>
    private static void RemoveSockets(Func<Match, bool> which)
    {
        if (Directory.Exists(WireGuardTunnel.SocketFolder))
        {
            foreach (var socket in Directory.GetFiles(WireGuardTunnel.SocketFolder).Where(path => which(SocketName().Match(Path.GetFileName(path)))))
            {
                File.Delete(socket);
            }
        }
    }

    public static bool IsOrphan(string name) => IsGone(Name().Match(name));

    private static bool IsGone(Match name) => name.Success && !Directory.Exists("/proc/" + name.Groups[1].Value);

    private static void RemoveNamespace(string name)
    {
        foreach (var pid in Shell.Run("ip", "netns", "pids", name).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                Libc.Kill(int.Parse(pid, CultureInfo.InvariantCulture), Signal.Kill);
            }
            catch (Win32Exception)
            {
                // It has ended meanwhile.
            }
        }

        Shell.Run("ip", "netns", "delete", name);
    }

    [GeneratedRegex("^vpn-b([0-9]{1,10})-")]
    private static partial Regex Name();

    [GeneratedRegex("^wb([0-9]{1,10})[a-z]")]
    private static partial Regex SocketName();
}
