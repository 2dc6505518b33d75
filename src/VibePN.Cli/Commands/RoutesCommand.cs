using System.Globalization;
using Spectre.Console;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn routes</c>: where packets go, and why.</summary>
internal static class RoutesCommand
{
    public static ExampleCommand Create() =>
        LiveView.Create("routes", "Lists the routes of every network, used or not", (client, cancel) => client.GetRoutesAsync(cancel), Draw);

    private static void Draw(IAnsiConsole console, RoutesDto answer)
    {
        if (answer.Routes.Count == 0)
        {
            console.WriteLine("no routes");
            return;
        }

        Table table = Terminal.CreateTable("NETWORK", "PREFIX", "PEER", "SOURCE", "METRIC", "USED", "WHY");
        foreach (RouteDto route in answer.Routes)
        {
            _ = table.AddRow(
                Terminal.Cell(route.Network),
                Terminal.Cell(route.Prefix),
                Terminal.Cell(route.Peer ?? "(this node)"),
                Terminal.Cell(route.Source),
                Terminal.Cell(route.Metric?.ToString(CultureInfo.InvariantCulture) ?? ""),
                Terminal.Cell(route.Used ? "yes" : route.StandBy ? "stand-by" : route.Former ? "gone" : "no", Style.Parse(route.Used ? "green" : "yellow")),
                Terminal.Cell(route.Why ?? ""));
        }

        console.Write(table);
    }
}
