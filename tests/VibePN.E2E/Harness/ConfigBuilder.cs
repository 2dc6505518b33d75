using System.Globalization;
using System.Text;

namespace VibePN.E2E.Harness;

/// <summary>A config file of its own for a <see cref="TestNode"/>: several networks, routes, other addresses.</summary>
internal sealed class ConfigBuilder(TestNode node)
{
    private readonly StringBuilder _tables = new();

    public string Listen { get; init; } = string.Create(CultureInfo.InvariantCulture, $"[::]:{TestNode.Port}");

    /// <summary>Off, unless a test is about it.</summary>
    public string Metrics { get; init; } = "";

    /// <summary>Further lines for [node].</summary>
    public string NodeLines { get; init; } = "";

    /// <summary>The usual network of tests; more lines for its table in <paramref name="lines"/>.</summary>
    public ConfigBuilder Corp(params string[] lines) => Network(
        TestNode.Network,
        [
            """prefix = "10.42.0.0/24" """,
            """prefixes = ["fd42::/64"]""",
            $"""address = ["{node.Inner}", "{node.Inner6}"]""",
            .. lines,
        ]);

    public ConfigBuilder Network(string name, params string[] lines) => Table($"[networks.{name}]", ["export = true", .. lines]);

    /// <param name="address">Null: it has to dial us.</param>
    public ConfigBuilder PeerAt(TestNode peer, string? address, params string[] lines) => Table(
        "[[peers]]",
        [
            $"name = \"{peer.Name}\"",
            $"fingerprint = \"{peer.Identity.Fingerprint}\"",
            .. address is null ? Array.Empty<string>() : [$"address = \"{address}\""],
            .. lines.Any(line => line.StartsWith("networks", StringComparison.Ordinal)) ? [] : new[] { $"networks = [\"{TestNode.Network}\"]" },
            .. lines,
        ]);

    public ConfigBuilder Peer(TestNode peer, params string[] lines) => PeerAt(peer, $"{peer.Host.Address}:{TestNode.Port}", lines);

    public ConfigBuilder Table(string header, IEnumerable<string> lines)
    {
        _tables.Append("\n\n").Append(header).Append('\n').AppendJoin('\n', lines);
        return this;
    }

    /// <summary>Writes the file.</summary>
    public void Write() => File.WriteAllText(node.ConfigPath, string.Create(CultureInfo.InvariantCulture, $"""
        [identity]
        cert = "{node.CertificatePath}"
        key = "{node.KeyPath}"

        [node]
        name = "{node.Name}"
        listen = "{Listen}"
        socket = "{node.SocketPath}"
        metrics = "{Metrics}"
        state = "{Path.Combine(node.Folder, "state")}"
        {NodeLines}
        {_tables}
        """));

    /// <summary>Writes the file and starts the daemon; returns when it answers.</summary>
    public TestNode Start()
    {
        Write();
        node.Launch();
        node.WaitUntilItAnswers();
        return node;
    }
}
