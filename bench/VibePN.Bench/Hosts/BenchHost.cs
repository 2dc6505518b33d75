using VibePN.E2E.Harness;

namespace VibePN.Bench.Hosts;

/// <summary>A host: a network namespace.</summary>
internal sealed class BenchHost
{
    public BenchHost(string bedId, string name)
    {
        Name = name;
        Namespace = $"{bedId}-{name}";
        Shell.Must("ip", "netns", "add", Namespace);
        Ip("link", "set", "lo", "up");

        // Each TCP flow begins with what the line shows it, not with what an earlier one met there. Where that cannot be had it goes without.
        Shell.Run("ip", "netns", "exec", Namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save");
    }

    public string Name { get; }

    public string Namespace { get; }

    /// <summary>Joins this host and another by a cable.</summary>
    public void Connect(string link, string address, BenchHost other, string otherLink, string otherAddress)
    {
        Shell.Must("ip", "link", "add", link, "netns", Namespace, "type", "veth", "peer", "name", otherLink, "netns", other.Namespace);
        Ip("address", "add", address + "/24", "dev", link);
        other.Ip("address", "add", otherAddress + "/24", "dev", otherLink);
        Ip("link", "set", link, "up");
        other.Ip("link", "set", otherLink, "up");
    }

    /// <summary><c>ip</c> on this host; must succeed.</summary>
    public string Ip(params string[] arguments) => Shell.Must(["ip", "-n", Namespace, .. arguments]);

    public Outcome Run(TimeSpan limit, params string[] command) => Shell.Run(limit, CommandLine(command));

    public string Must(params string[] command) => Shell.Must(CommandLine(command));

    /// <summary>The process that is started becomes the program itself, so its id is the program's.</summary>
    public RunningProgram Start(params string[] command) => RunningProgram.Start(CommandLine(command));

    /// <summary>One echo request that must be answered within a second.</summary>
    public bool Ping(string address) => Run(TimeSpan.FromSeconds(5), "ping", "-n", "-c", "1", "-W", "1", address).ExitCode == 0;

    private string[] CommandLine(string[] command) => ["ip", "netns", "exec", Namespace, .. command];
}
