using System.Globalization;
using Spectre.Console;
using VibePN.Api;

namespace VibePN.Cli.Commands;

internal enum TopSort
{
    Name,
    Traffic,
    Rtt,
    Loss,
}

/// <summary>What <c>top</c> knows: the last pictures of the node, and the rates between them.</summary>
internal sealed class TopView(TopSort sort)
{
    private const int History = 60;
    private const string Levels = " ▁▂▃▄▅▆▇█";

    /// <summary>The least important ones need the widest terminal; all that stay fit 80 columns.</summary>
    private static readonly Column[] s_columns =
    [
        new("PEER", 0, (_, peer) => peer.Name),
        new("STATE", 0, (_, peer) => PeersCommand.Words(peer.State)),
        new("IN", 0, (view, peer) => IfUp(peer, () => Bits(view.Rate(peer, one => one.BytesIn)))),
        new("OUT", 0, (view, peer) => IfUp(peer, () => Bits(view.Rate(peer, one => one.BytesOut)))),
        new("PACKETS/S", 102, (view, peer) => IfUp(peer, () => view.Rate(peer, one => one.PacketsIn + one.PacketsOut).ToString("N0", CultureInfo.InvariantCulture))),
        new("RTT", 0, (_, peer) => Humanize.Millis(peer.RttMillis)),
        new("LOSS", 0, (_, peer) => Humanize.Percent(peer.Loss) + (peer.Repair is { On: true, Trial: false } ? " repaired" : "")),
        new("MTU", 92, (_, peer) => peer.MtuBytes?.ToString(CultureInfo.InvariantCulture)),
        new("QUEUE", 112, (_, peer) => IfUp(peer, () => Humanize.Bytes(peer.Queue.Bytes))),
        new("WAITS", 84, (_, peer) => IfUp(peer, () => Humanize.Millis(peer.Queue.WaitMillis))),
        new("", 0, (_, peer) => peer.UnansweredMillis is { } millis ? string.Create(CultureInfo.InvariantCulture, $"unanswered for {millis:0} ms") : peer.Reason ?? ""),
    ];

    private readonly List<double> _in = [];
    private readonly List<double> _out = [];
    private StatusDto? _before;
    private StatusDto? _now;

    public TopSort Sort { get; private set; } = sort;

    public bool IsPaused { get; set; }

    public void SortByNext() => Sort = (TopSort)(((int)Sort + 1) % Enum.GetValues<TopSort>().Length);

    public void Add(StatusDto status)
    {
        // Another process has counters of its own.
        _before = _now is { } last && last.Pid == status.Pid && last.StartedUtc == status.StartedUtc ? last : null;
        _now = status;
        if (_before is not null)
        {
            Keep(_in, status.Peers.Sum(peer => Rate(peer, one => one.BytesIn)));
            Keep(_out, status.Peers.Sum(peer => Rate(peer, one => one.BytesOut)));
        }
    }

    /// <param name="console">To draw on.</param>
    /// <param name="height">Lines that there is room for.</param>
    public void Draw(IAnsiConsole console, int height)
    {
        if (_now is not { } now)
        {
            return;
        }

        int connected = now.Peers.Count(peer => peer.State == PeerState.Connected);
        Line(
            console,
            $"{now.Name}  up {Humanize.Duration(TimeSpan.FromSeconds(now.UptimeSeconds))}, {connected} of {now.Peers.Count} peers connected, {Humanize.Bytes(now.ResidentBytes)}, {now.PacketProtection}",
            "bold");
        Line(console, $"in  {Bits(_in.LastOrDefault()),12}  {Spark(_in)}");
        Line(console, $"out {Bits(_out.LastOrDefault()),12}  {Spark(_out)}");
        string drops = string.Join(", ", now.Drops.Select(drop => (drop.Key, Count: drop.Value - (_before?.Drops.GetValueOrDefault(drop.Key) ?? drop.Value))).Where(drop => drop.Count > 0)
            .Select(drop => $"{drop.Key} {drop.Count}"));
        Line(console, drops.Length > 0 ? $"dropped just now: {drops}" : "nothing dropped", drops.Length > 0 ? "yellow" : "default");
        foreach (string warning in now.Warnings.Take(2))
        {
            Line(console, $"warning: {warning}", "yellow");
        }

        console.WriteLine();
        DrawPeers(console, now, Math.Max(1, height - 8 - Math.Min(2, now.Warnings.Count)));
    }

    private void DrawPeers(IAnsiConsole console, StatusDto now, int room)
    {
        Column[] columns = [.. s_columns.Where(column => column.MinWidth <= console.Profile.Width)];
        Table table = Terminal.CreateTable([.. columns.Select(column => column.Heading)]);
        List<PeerDto> sorted = [.. Sorted(now.Peers)];
        foreach (PeerDto peer in sorted.Take(room))
        {
            Style state = Style.Parse(peer.State == PeerState.Connected ? "green" : "yellow");
            _ = table.AddRow(columns.Select(column => Terminal.Cell(column.Text(this, peer), column.Heading == "STATE" ? state : Style.Plain)));
        }

        console.Write(table);
        string more = sorted.Count > room ? $"and {sorted.Count - room} more; " : "";
        Line(console, $"{more}sorted by {Sort.ToString().ToLowerInvariant()}{(IsPaused ? ", paused" : "")}   q quit  s sort  p pause", "dim");
    }

    private IEnumerable<PeerDto> Sorted(IEnumerable<PeerDto> peers) => Sort switch
    {
        TopSort.Traffic => peers.OrderByDescending(peer => Rate(peer, one => one.BytesIn + one.BytesOut)).ThenBy(peer => peer.State != PeerState.Connected),
        TopSort.Rtt => peers.OrderByDescending(peer => peer.RttMillis ?? -1),
        TopSort.Loss => peers.OrderByDescending(peer => peer.Loss ?? -1),
        _ => peers.OrderBy(peer => peer.Name, StringComparer.Ordinal),
    };

    /// <summary>A second; 0 where the counter began anew.</summary>
    private double Rate(PeerDto peer, Func<PeerDto, long> counter)
    {
        double seconds = _before is { } earlier && _now is { } now ? now.UptimeSeconds - earlier.UptimeSeconds : 0;
        return seconds > 0 && _before!.Peers.FirstOrDefault(one => one.Name == peer.Name) is { } before ? Math.Max(0, counter(peer) - counter(before)) / seconds : 0;
    }

    private static string? IfUp(PeerDto peer, Func<string?> text) => peer.State == PeerState.Connected ? text() : null;

    private static string Bits(double bytesPerSecond) => (bytesPerSecond * 8) switch
    {
        >= 1e9 and var bits => string.Create(CultureInfo.InvariantCulture, $"{bits / 1e9:0.00} Gbit/s"),
        >= 1e6 and var bits => string.Create(CultureInfo.InvariantCulture, $"{bits / 1e6:0.0} Mbit/s"),
        >= 1e3 and var bits => string.Create(CultureInfo.InvariantCulture, $"{bits / 1e3:0.0} kbit/s"),
        var bits => string.Create(CultureInfo.InvariantCulture, $"{bits:0} bit/s"),
    };

    private static void Keep(List<double> values, double value)
    {
        values.Add(value);
        if (values.Count > History)
        {
            values.RemoveAt(0);
        }
    }

    private static string Spark(List<double> values)
    {
        double top = values.DefaultIfEmpty().Max();
        return string.Concat(values.Select(value => Levels[top > 0 ? (int)Math.Ceiling(value / top * (Levels.Length - 1)) : 0]));
    }

    private static void Line(IAnsiConsole console, string text, string style = "default") => FindingView.Line(console, text, style);

    /// <param name="MinWidth">Of the terminal.</param>
    private sealed record Column(string Heading, int MinWidth, Func<TopView, PeerDto, string?> Text);
}
