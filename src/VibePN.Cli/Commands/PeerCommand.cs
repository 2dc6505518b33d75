using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using VibePN.Api;
using VibePN.Identity;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn peer NAME</c>: one peer, and what became of it of late.</summary>
internal static class PeerCommand
{
    private const string Levels = "▁▂▃▄▅▆▇█";

    public static ExampleCommand Create()
    {
        Argument<string> name = new("NAME") { Description = "Of the entry, as 'vibepn peers' shows it" };
        ExampleCommand command = new("peer", "Shows one peer with its latest changes of state, and its path's delay and loss of the last ten minutes", "vibepn peer node2");
        command.Add(name);
        return LiveView.Add(command, (client, parsed, cancel) => client.GetPeerAsync(parsed.GetRequiredValue(name), cancel), Draw);
    }

    internal static void Draw(IAnsiConsole console, PeerHistoryDto answer)
    {
        PeersCommand.DrawPeers(console, [answer.Peer], []);
        if (answer.Peer is { Key: { } key, KeyExpiresUtc: { } end })
        {
            console.WriteLine();
            console.WriteLine($"key   {(key == answer.Peer.Id ? "the first" : key)}, until {end.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}");
            if (KeyLife.Words(end, TimeProvider.System.GetUtcNow()) is { } words)
            {
                console.WriteLine($"its certificate {words}; there: vibepn rotate-key");
            }
        }

        if (answer.Samples.Count > 0)
        {
            double[] rtts = [.. answer.Samples.Select(sample => sample.RttMillis ?? 0)];
            double[] losses = [.. answer.Samples.Select(Loss)];
            console.WriteLine();
            console.WriteLine($"delay {Line(rtts, rtts.Max())}  {Humanize.Millis(rtts.Min())} to {Humanize.Millis(rtts.Max())}");
            console.WriteLine($"loss  {Line(losses, Math.Max(losses.Max(), 0.01))}  up to {Humanize.Percent(losses.Max())}; 10 s each, the latest at the right");
        }

        if (answer.Events.Count == 0)
        {
            return;
        }

        console.WriteLine();
        Table table = Terminal.CreateTable("WHEN", "STATE", "REASON");
        foreach (PeerEventDto change in answer.Events)
        {
            _ = table.AddRow(
                Terminal.Cell(change.AtUtc.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture)),
                Terminal.Cell(PeersCommand.Words(change.State)),
                Terminal.Cell(change.Reason ?? ""));
        }

        console.Write(table);
    }

    private static double Loss(PathSampleDto sample) => sample.Datagrams > 0 ? sample.Lost / (double)sample.Datagrams : 0;

    private static string Line(IEnumerable<double> values, double top) =>
        string.Concat(values.Select(value => Levels[top > 0 ? (int)Math.Round(value / top * (Levels.Length - 1)) : 0]));
}
