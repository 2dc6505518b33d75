using System.Globalization;
using System.Security.Cryptography;
using Xunit;

namespace VibePN.E2E.Harness;

/// <summary>
/// One test's hosts, on one Ethernet segment (a bridge in a namespace of its own), and its temporary folder. Disposal leaves nothing.
/// When a test fails, the daemons' logs are in its output.
/// </summary>
public sealed class TestBed : IDisposable
{
    private readonly List<TestHost> _hosts = [];
    private readonly List<TestNode> _nodes = [];
    private readonly TestHost _switch;

    public TestBed()
    {
        Id = $"vpn-t{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(4, lowercase: true)}";
        Folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Id + "-work")).FullName;
        _switch = new TestHost(this, "switch", 0);
        _switch.Ip("link", "add", "bridge", "type", "bridge");
        _switch.Ip("link", "set", "bridge", "up");
    }

    /// <summary>Start of the name of everything that this test makes on the machine.</summary>
    public string Id { get; }

    public string Folder { get; }

    /// <summary>Of the repository; null: not run inside of it.</summary>
    public static string? Root { get; } = FindRoot();

    /// <summary>The executable under test.</summary>
    public static string Executable { get; } = FindExecutable();

    /// <summary>Of the Ethernet segment; to be set before hosts are added.</summary>
    public int MtuBytes { get; init; } = 1500;

    public TestHost AddHost(string name)
    {
        TestHost host = new(this, name, _hosts.Count + 1);
        _hosts.Add(host);
        string port = "port" + host.Number;
        Shell.Must("ip", "link", "add", "wire", "netns", host.Namespace, "type", "veth", "peer", "name", port, "netns", _switch.Namespace);
        _switch.Ip("link", "set", port, "master", "bridge", "up");
        host.Ip("address", "add", host.Address + "/24", "dev", "wire");
        host.Ip("address", "add", host.Address6 + "/64", "dev", "wire", "nodad");
        LimitTo(host, MtuBytes);
        host.Ip("link", "set", "wire", "mtu", MtuBytes.ToString(CultureInfo.InvariantCulture), "up");
        return host;
    }

    /// <summary>What is larger and comes to this host is lost in the switch, without a word; super-packets of UDP_SEGMENT excepted.</summary>
    public void LimitTo(TestHost host, int mtuBytes) =>
        _switch.Ip("link", "set", "port" + host.Number, "mtu", mtuBytes.ToString(CultureInfo.InvariantCulture));

    /// <summary>Everything to and from this host is lost in the switch, without a word, or no longer.</summary>
    public void Silence(TestHost host, bool isSilent) =>
        _switch.Ip("link", "set", "dev", "port" + host.Number, "type", "bridge_slave", "state", isSilent ? "0" : "3");

    /// <summary>A host of that name with a node of that name on it; not started.</summary>
    public TestNode AddNode(string name, TestIdentity? identity = null) => AddNode(AddHost(name), identity);

    public TestNode AddNode(TestHost host, TestIdentity? identity = null)
    {
        TestNode node = new(host, Path.Combine(Folder, host.Name), identity ?? TestIdentity.Create(host.Name));
        _nodes.Add(node);
        return node;
    }

    public void Dispose()
    {
        foreach (TestNode node in _nodes)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"--- log of {node.Name}\n{string.Join('\n', node.LogLines.TakeLast(40))}");
            node.Dispose();
        }

        foreach (TestHost host in _hosts)
        {
            host.Dispose();
        }

        _switch.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static string FindExecutable()
    {
        if (Environment.GetEnvironmentVariable("VIBEPN_EXE") is { Length: > 0 } given)
        {
            return Path.GetFullPath(given);
        }

        return Path.Combine(Root ?? throw new FileNotFoundException("the executable under test: set VIBEPN_EXE, or run inside the repository after `make build`"), "out", "vibepn");
    }

    private static string? FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName;
    }
}
