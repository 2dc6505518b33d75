using System.CommandLine;
using System.Net;
using VibePN.Api;
using VibePN.Doctor.Bench;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn bench serve</c>: takes part in what peers measure, as long as it runs.</summary>
internal static class BenchServeCommand
{
    private static readonly TimeSpan DefaultTime = TimeSpan.FromMinutes(10);

    public static ExampleCommand Create()
    {
        Option<string> time = Options.Checked("--for", "TIME", "How long, up to 1d [default: 10m]", text => Options.ParseTime(text) is { TotalSeconds: >= 1 and <= 86_400 } ? null : $"'{text}' is no time from 1s to 1d");
        Option<string> port = BenchCommand.Port();
        ExampleCommand command = new("serve", "Takes part in what peers measure with 'bench', until Ctrl-C or for a time; reachable from the tunnel only", "vibepn bench serve --for 30m");
        command.Add(time);
        command.Add(port);
        return command.Does((parsed, cancel) => Task.Run(() => Run(
            CommonOptions.CreateClient(parsed), parsed.GetValue(time) is { } text ? Options.ParseTime(text)!.Value : DefaultTime, BenchCommand.PortOf(parsed, port), cancel)));
    }

    private static int Run(ApiClient api, TimeSpan time, int port, CancellationToken cancel)
    {
        List<BenchAddress> addresses = [];
        foreach (NetworkDto network in api.GetStatusAsync(cancel).GetAwaiter().GetResult().Networks)
        {
            foreach (string address in network.Addresses)
            {
                addresses.Add(new BenchAddress(IPAddress.Parse(address), network.Interface));
            }
        }

        if (addresses.Count == 0)
        {
            throw new BenchException("this node has no address inside of a network, so nobody could measure with it");
        }

        using BenchServer server = new(addresses, port, () => BenchCommand.Ask(api), Console.Out.WriteLine);
        Console.Out.WriteLine($"listening on {string.Join(", ", server.Listening)} for {Humanize.Duration(time)}; outside of the tunnel on port {port + 1}, while it is measured there only");
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        end.CancelAfter(time);
        server.Run(end.Token);
        return CommandLine.Done;
    }
}
