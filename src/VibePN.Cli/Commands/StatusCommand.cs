using System.Globalization;
using Spectre.Console;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn status</c>: the node, its networks and its peers.</summary>
internal static class StatusCommand
{
    public static ExampleCommand Create() =>
        LiveView.Create("status", "Shows the node, its networks and its peers", (client, cancel) => client.GetStatusAsync(cancel), Draw);

    internal static void Draw(IAnsiConsole console, StatusDto status)
    {
        Table facts = Terminal.CreateTable("", "");
        facts.ShowHeaders = false;
        Fact(facts, "node", status.Name);
        Fact(facts, "fingerprint", status.Id);
        if (status.Key is { } key)
        {
            Fact(facts, "key", KeyText(key == status.Id ? "the first" : key, status));
        }

        Fact(facts, "version", $"{status.Version} (ngtcp2 {status.Libraries.Ngtcp2 ?? "?"}, GnuTLS {status.Libraries.GnuTls ?? "?"})");
        Fact(facts, "up", $"{Humanize.Duration(TimeSpan.FromSeconds(status.UptimeSeconds))} (pid {status.Pid}, {Humanize.Bytes(status.ResidentBytes)})");
        Fact(facts, "listen", string.Join(", ", status.Listen));
        Fact(facts, "metrics", status.Metrics is { } metrics ? $"http://{metrics}/metrics" : "off");
        Fact(facts, "protection", status.PacketProtection);
        Fact(facts, "offloads", string.Join("; ", Offloads(status)));
        Fact(facts, "connections", $"{status.Connections}");
        FactOfCounts(facts, "handshakes", status.Handshakes);
        FactOfCounts(facts, "drops", status.Drops);
        if (status.ConfirmByUtc is { } by)
        {
            _ = facts.AddRow(
                Terminal.Cell("unconfirmed", Style.Parse("yellow")),
                Terminal.Cell(string.Create(CultureInfo.InvariantCulture, $"the config is undone at {by.ToLocalTime():HH:mm:ss} unless 'vibepn confirm' comes before")));
        }

        foreach (string warning in status.Warnings)
        {
            _ = facts.AddRow(Terminal.Cell("warning", Style.Parse("yellow")), Terminal.Cell(warning));
        }

        console.Write(facts);
        if (status.Networks.Count > 0)
        {
            console.WriteLine();
            Table networks = Terminal.CreateTable("NETWORK", "INTERFACE", "PREFIX", "ADDRESS", "MTU", "EXPORT");
            foreach (NetworkDto network in status.Networks)
            {
                _ = networks.AddRow(
                    Terminal.Cell(network.Name),
                    Terminal.Cell(network.Interface),
                    Terminal.Cell(string.Join(" ", network.Prefixes)),
                    Terminal.Cell(string.Join(" ", network.Addresses)),
                    Terminal.Cell($"{network.MtuBytes}"),
                    Terminal.Cell(network.Export ? "yes" : "no"));
            }

            console.Write(networks);
        }

        console.WriteLine();
        PeersCommand.DrawPeers(console, status.Peers, status.KeptOut);
    }

    private static string KeyText(string key, StatusDto status) => string.Create(
        CultureInfo.InvariantCulture,
        $"{key}{(status.KeyExpiresUtc is { } end ? $", until {end:yyyy-MM-dd}" : "")}{(status.OldKeyUntilUtc is { } old ? $"; the one before is accepted until {old.ToLocalTime():yyyy-MM-dd HH:mm}" : "")}");

    private static IEnumerable<string> Offloads(StatusDto status)
    {
        yield return Offload("UDP GSO", status.Offloads.UdpGso, status.Offloads.UdpGsoReason);
        yield return Offload("UDP GRO", status.Offloads.UdpGro, status.Offloads.UdpGroReason);
        foreach (NetworkDto network in status.Networks)
        {
            if (network.Offloads is { } tun)
            {
                yield return Offload($"{network.Name} TCP", tun.Tcp, tun.TcpReason);
                yield return Offload($"{network.Name} UDP", tun.Udp, tun.UdpReason);
            }
        }
    }

    private static string Offload(string name, bool isUsed, string? reason) => isUsed ? name : $"{name} not used ({reason})";

    private static void Fact(Table table, string name, string? value) => _ = table.AddRow(Terminal.Cell(name, Style.Parse("bold")), Terminal.Cell(value));

    private static void FactOfCounts(Table table, string name, IReadOnlyDictionary<string, long> counts)
    {
        string text = string.Join(", ", counts.Where(count => count.Value != 0).Select(count => $"{count.Key} {count.Value}"));
        Fact(table, name, text.Length == 0 ? "none" : text);
    }
}
