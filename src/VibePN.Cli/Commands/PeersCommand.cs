using System.Globalization;
using Spectre.Console;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn peers</c>: who is configured, and how it stands with each.</summary>
internal static class PeersCommand
{
    public static ExampleCommand Create() =>
        LiveView.Create("peers", "Lists the peers and how it stands with each", (client, cancel) => client.GetPeersAsync(cancel), (console, answer) => DrawPeers(console, answer.Peers, answer.KeptOut));

    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    internal static async Task<PeerDto> FindAsync(ApiClient client, string name, CancellationToken cancel) =>
        (await client.GetPeersAsync(cancel)).Peers.FirstOrDefault(peer => peer.Name == name) ?? throw new KeyNotFoundException($"there is no peer '{name}'; 'vibepn peers' lists them");

    internal static void DrawPeers(IAnsiConsole console, IReadOnlyList<PeerDto> peers, IReadOnlyList<KeptOutDto> keptOut)
    {
        if (peers.Count == 0)
        {
            console.WriteLine("no peers; 'vibepn invite' lets one join, 'vibepn add-peer' adds one");
            DrawKeptOut(console, keptOut);
            return;
        }

        Table table = Terminal.CreateTable("PEER", "STATE", "SINCE", "ADDRESS", "RTT", "LOSS", "MTU", "QUEUE", "IN", "OUT", "NETWORKS", "TRUST", "REASON");
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        foreach (PeerDto peer in peers)
        {
            _ = table.AddRow(
                Terminal.Cell(peer.Name),
                Terminal.Cell(Words(peer.State), StyleOf(peer.State)),
                Terminal.Cell(peer.SinceUtc is { } since ? Humanize.Duration(now - since) : null),
                Terminal.Cell(peer.Address),
                Terminal.Cell(Humanize.Millis(peer.RttMillis)),
                Terminal.Cell(Humanize.Percent(peer.Loss) + (peer.Repair is { On: true, Trial: false } ? " repaired" : "")),
                Terminal.Cell(MtuWords(peer), peer.MtuState is MtuState.Capped ? Style.Parse("yellow") : Style.Plain),
                Terminal.Cell(QueueWords(peer.Queue)),
                Terminal.Cell(Humanize.Bytes(peer.BytesIn)),
                Terminal.Cell(Humanize.Bytes(peer.BytesOut)),
                Terminal.Cell(string.Join(",", peer.Networks)),
                Terminal.Cell(TrustWords(peer)),
                Terminal.Cell(peer.Reason ?? ""));
        }

        console.Write(table);
        foreach (PeerDto peer in peers.Where(peer => peer.Lacks.Count > 0))
        {
            console.WriteLine($"{peer.Name} speaks {peer.Protocol}: {string.Join("; ", peer.Lacks)}");
        }

        DrawKeptOut(console, keptOut);
    }

    private static void DrawKeptOut(IAnsiConsole console, IReadOnlyList<KeptOutDto> keptOut)
    {
        foreach (KeptOutDto peer in keptOut)
        {
            console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{peer.Name} was removed at {peer.SinceUtc.ToLocalTime():yyyy-MM-dd HH:mm} and stays out, whoever introduces it; 'vibepn add-peer --name {peer.Name}' lets it in again"));
        }
    }

    private static string? TrustWords(PeerDto peer) => peer.Trust switch
    {
        null => null,
        PeerTrustSource.FirstUse => "first use",
        PeerTrustSource.Introduction => $"introduced by {string.Join(",", peer.IntroducedBy)}",
        { } source => source.ToString().ToLowerInvariant(),
    };

    /// <summary>The size, and what is unusual about it.</summary>
    private static string? MtuWords(PeerDto peer) => peer.MtuBytes is not { } bytes ? null
        : FormattableString.Invariant($"{bytes}{(peer.MtuState is MtuState.Searching or MtuState.Capped ? $" {peer.MtuState.ToString()!.ToLowerInvariant()}" : "")}");

    /// <summary>What waits and for how long; what was dropped in it.</summary>
    private static string QueueWords(QueueDto queue)
    {
        long dropped = queue.DroppedByCoDel + queue.DroppedFull;
        return FormattableString.Invariant($"{Humanize.Bytes(queue.Bytes)} {Humanize.Millis(queue.MaxWaitMillis)}{(dropped > 0 ? $" {dropped} dropped" : "")}");
    }

    /// <summary>As in the JSON.</summary>
    internal static string Words(PeerState state) => state switch
    {
        PeerState.Waiting => "waiting",
        PeerState.Dialing => "dialing",
        PeerState.Connected => "connected",
        PeerState.RefusedByPeer => "refused by peer",
        PeerState.RefusedByUs => "refused by us",
        PeerState.Unreachable => "unreachable",
        _ => state.ToString(),
    };

    private static Style StyleOf(PeerState state) => Style.Parse(state switch
    {
        PeerState.Connected => "green",
        PeerState.RefusedByPeer or PeerState.RefusedByUs or PeerState.Unreachable => "red",
        _ => "yellow",
    });
}
