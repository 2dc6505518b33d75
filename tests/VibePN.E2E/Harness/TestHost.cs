using System.Globalization;
using System.Net.Sockets;

namespace VibePN.E2E.Harness;

/// <summary>A host: a network namespace with one interface <c>wire</c> into the test's Ethernet segment.</summary>
public sealed class TestHost : IDisposable
{
    internal TestHost(TestBed bed, string name, int number)
    {
        Name = name;
        Number = number;
        Namespace = $"{bed.Id}-{name}";
        Shell.Must("ip", "netns", "add", Namespace);
        Ip("link", "set", "lo", "up");
    }

    public string Name { get; }

    /// <summary>From 1; part of its addresses.</summary>
    public int Number { get; }

    public string Namespace { get; }

    /// <summary>Outside the tunnel (RFC 5737).</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"192.0.2.{Number}");

    /// <summary>Outside the tunnel (RFC 3849).</summary>
    public string Address6 => string.Create(CultureInfo.InvariantCulture, $"2001:db8::{Number:x}");

    public static IReadOnlyList<string> AllNamespaces() =>
        Directory.Exists("/run/netns") ? [.. Directory.GetFiles("/run/netns").Select(path => Path.GetFileName(path))] : [];

    public static void RemoveNamespace(string name)
    {
        foreach (string pid in Shell.Run("ip", "netns", "pids", name).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                Libc.Kill(int.Parse(pid, CultureInfo.InvariantCulture), Signal.Kill);
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // It has ended meanwhile.
            }
        }

        Shell.Run("ip", "netns", "delete", name);
    }

    /// <summary><c>ip</c> on this host; must succeed.</summary>
    public string Ip(params string[] arguments) => Shell.Must(["ip", "-n", Namespace, .. arguments]);

    /// <summary>The command line that runs a program on this host, in the process that is started.</summary>
    public string[] CommandLine(params IEnumerable<string> command) => ["ip", "netns", "exec", Namespace, .. command];

    internal Outcome Run(params string[] command) => Shell.Run(CommandLine(command));

    internal Outcome Run(TimeSpan limit, params string[] command) => Shell.Run(limit, CommandLine(command));

    internal RunningProgram Start(params string[] command) => RunningProgram.Start(CommandLine(command));

    public Socket UdpSocket(AddressFamily family = AddressFamily.InterNetwork) => Libc.UdpSocketIn(Namespace, family);

    public Socket TcpSocket(AddressFamily family) =>
        Libc.SocketIn(Namespace, () => new Socket(family, SocketType.Stream, ProtocolType.Tcp));

    /// <summary>One echo request that must be answered within a second.</summary>
    public bool Ping(string address) => Run("ping", "-n", "-c", "1", "-W", "1", address).ExitCode == 0;

    /// <summary>For where one has to be answered: on a busy machine a packet may get lost, but not five.</summary>
    public bool CanPing(string address) => Enumerable.Range(0, 5).Any(_ => Ping(address));

    /// <summary>Links that a daemon made here.</summary>
    public IReadOnlyList<string> TunnelLinks() =>
        [.. Ip("-o", "link", "show").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(": ")[1].Split('@')[0])
            .Where(link => link is not ("lo" or "wire"))];

    /// <summary>All routes of both families, local tables too.</summary>
    public string Routes() => Ip("-4", "route", "show", "table", "all") + Ip("-6", "route", "show", "table", "all");

    public void Dispose() => RemoveNamespace(Namespace);
}
