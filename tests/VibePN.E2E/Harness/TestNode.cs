using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace VibePN.E2E.Harness;

/// <summary>A node of the network <c>corp</c>: its config folder, and the daemon while it runs.</summary>
public sealed class TestNode : IDisposable
{
    public const string Network = "corp";
    public const string Interface = "vpn-corp";
    public const int Port = 51820;

    private readonly StringBuilder _peers = new();
    private readonly List<string> _earlierLines = [];
    private RunningProgram? _daemon;

    internal TestNode(TestHost host, string folder, TestIdentity identity)
    {
        Host = host;
        Folder = Directory.CreateDirectory(folder).FullName;
        Identity = identity;
        File.WriteAllText(CertificatePath, identity.CertificatePem);
        File.WriteAllText(KeyPath, identity.KeyPem);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public TestHost Host { get; }

    public string Name => Host.Name;

    public string Folder { get; }

    public TestIdentity Identity { get; }

    public string ConfigPath => Path.Combine(Folder, "config.toml");

    public string CertificatePath => Path.Combine(Folder, "node.crt");

    public string KeyPath => Path.Combine(Folder, "node.key");

    public string SocketPath => Path.Combine(Folder, "vibepn.sock");

    /// <summary>Address inside the tunnel.</summary>
    public string Inner => string.Create(CultureInfo.InvariantCulture, $"10.42.0.{Host.Number}");

    /// <summary>IPv6 address inside the tunnel.</summary>
    public string Inner6 => string.Create(CultureInfo.InvariantCulture, $"fd42::{Host.Number:x}");

    /// <summary>Text before the tables; set before the start.</summary>
    public string Config { get; set; } = "";

    internal RunningProgram Daemon => _daemon ?? throw new InvalidOperationException($"the daemon of {Name} was not started");

    /// <summary>Everything that the daemons of this node have written, earlier ones first.</summary>
    public IReadOnlyList<string> LogLines => [.. _earlierLines, .. _daemon?.Lines ?? []];

    /// <summary>Lines of the table <c>[tuning]</c>; read at the start.</summary>
    public string Tuning { get; set; } = "";

    /// <summary>Further lines of the network's table.</summary>
    public string NetworkLines { get; set; } = "";

    /// <summary>Adds an entry for <paramref name="peer"/>.</summary>
    /// <param name="peer">Whom to trust.</param>
    /// <param name="dial">Whether the entry has its address.</param>
    /// <param name="fingerprint">Instead of its own.</param>
    public TestNode Trust(TestNode peer, bool dial = true, string? fingerprint = null) =>
        Trust(peer.Name, fingerprint ?? peer.Identity.Fingerprint, dial ? $"{peer.Host.Address}:{Port}" : null);

    public TestNode Trust(string name, string fingerprint, string? address = null)
    {
        _peers.Append(CultureInfo.InvariantCulture, $"""

            [[peers]]
            name = "{name}"
            fingerprint = "{fingerprint}"
            networks = ["{Network}"]
            {(address is null ? "" : $"address = \"{address}\"")}

            """);
        return this;
    }

    public string ConfigText() => string.Create(CultureInfo.InvariantCulture, $"""
        [identity]
        cert = "{CertificatePath}"
        key = "{KeyPath}"

        [node]
        name = "{Name}"
        listen = "[::]:{Port}"
        socket = "{SocketPath}"
        metrics = ""
        state = "{Path.Combine(Folder, "state")}"
        [tuning]
        {Tuning}
        {_peers}
        [networks.{Network}]
        prefix = "10.42.0.0/24"
        prefixes = ["fd42::/64"]
        address = ["{Inner}", "{Inner6}"]
        export = true
        {NetworkLines}

        """);

    /// <summary>Writes the config and starts the daemon; returns when it answers.</summary>
    public TestNode Start()
    {
        File.WriteAllText(ConfigPath, ConfigText());
        Launch();
        Wait.Until(TimeSpan.FromSeconds(20), $"the daemon of {Name} answers\n{string.Join('\n', LogLines)}", () =>
            Daemon.HasExited
                ? throw new InvalidOperationException($"the daemon of {Name} ended with {Daemon.ExitCode}\n{string.Join('\n', LogLines)}")
                : File.Exists(SocketPath) && Control("status", "--json").ExitCode == 0);
        return this;
    }

    /// <summary>Says goodbye to a running daemon, and starts it anew with what is configured now.</summary>
    public TestNode Restart()
    {
        if (_daemon is { HasExited: false })
        {
            Control("goodbye");
            Wait.Until(TimeSpan.FromSeconds(15), $"the daemon of {Name} ends", () => Daemon.HasExited);
        }

        return Start();
    }

    /// <summary>Starts the daemon and returns at once.</summary>
    internal RunningProgram Launch()
    {
        if (_daemon is not null)
        {
            _daemon.WaitForExit(TimeSpan.FromSeconds(1));
            _earlierLines.AddRange(_daemon.Lines);
            _daemon.Dispose();
        }

        return _daemon = Host.Start(TestBed.Executable, "daemon", "--config", ConfigPath);
    }

    /// <summary>A command of <c>vpnctl</c> to this node's daemon.</summary>
    internal Outcome Control(string command, params string[] arguments) =>
        Host.Run([TestBed.Executable, command, .. arguments, "--socket", SocketPath]);

    public JsonNode Status() => Json("status");

    /// <summary>The state of a peer in the words of <c>peers</c>, or null.</summary>
    public string? StateOf(TestNode peer) => PeerOf(peer)?["state"]?.GetValue<string>();

    public JsonNode? PeerOf(TestNode peer) =>
        Json("peers")["peers"]!.AsArray().FirstOrDefault(entry => entry!["name"]!.GetValue<string>() == peer.Name);

    public JsonNode Json(string command)
    {
        Outcome outcome = Control(command, "--json");
        return outcome.ExitCode == 0 && JsonNode.Parse(outcome.Output) is { } node ? node : throw new JsonException(outcome.ToString());
    }

    public long Handshakes(string result) => Status()["handshakes"]?[result]?.GetValue<long>() ?? 0;

    /// <summary>Both nodes say that they are connected, and a packet has gone through and back.</summary>
    public TimeSpan WaitForTrafficTo(TestNode peer, TimeSpan limit) =>
        Wait.Until(limit, $"a ping from {Name} to {peer.Name} through the tunnel", () => Host.Ping(peer.Inner));

    public int CountLog(string text) => LogLines.Count(line => line.Contains(text, StringComparison.Ordinal));

    public void Dispose() => _daemon?.Dispose();
}
