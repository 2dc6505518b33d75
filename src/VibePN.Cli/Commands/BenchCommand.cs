using System.CommandLine;
using System.Globalization;
using System.Net;
using Spectre.Console;
using VibePN.Api;
using VibePN.Doctor.Bench;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn bench PEER</c>: what a line to a peer carries, inside and outside of the tunnel, and what limits it.</summary>
internal static class BenchCommand
{
    public static ExampleCommand Create()
    {
        Argument<string?> name = new("PEER") { Description = "Its name, as 'vibepn peers' shows it; there runs 'vibepn bench serve'", Arity = ArgumentArity.ZeroOrOne };
        Option<string> time = Options.Checked("--time", "TIME", "Of each TCP flow, 0.1s to 30s [default: 5s]", text => Options.ParseTime(text) is { TotalSeconds: >= 0.1 and <= 30 } ? null : $"'{text}' is no time from 0.1s to 30s");
        Option<string> rate = Options.Checked("--udp-rate", "RATE", "Bits a second of the UDP flows, up to 1G [default: 50M]", text => Kilobits(text) is null ? $"'{text}' is no rate from 64k to 1G" : null);
        Option<bool> inside = new("--inside") { Description = "Only through the tunnel" };
        Option<bool> outside = new("--outside") { Description = "Only beside the tunnel" };
        Option<string> port = Port();
        ExampleCommand command = new("bench", "Measures throughput, loss, jitter and delay under load to a peer, inside and outside of the tunnel, and says what limits it; 1: not measured", "vibepn bench node2 --time 10s");
        command.Add(name);
        command.Add(time);
        command.Add(rate);
        command.Add(inside);
        command.Add(outside);
        command.Add(port);
        command.Add(CommonOptions.Json);
        command.Add(BenchServeCommand.Create());
        command.Validators.Add(result =>
        {
            bool isServe = result.Children.Any(child => child is System.CommandLine.Parsing.CommandResult);
            if (!isServe && result.GetValue(name) is null)
            {
                result.AddError("PEER is missing: whom to measure with");
            }

            if (result.GetValue(inside) && result.GetValue(outside))
            {
                result.AddError("--inside and --outside exclude each other; without them both are measured");
            }
        });
        return command.Does((parsed, cancel) => Task.Run(() => Run(
            CommonOptions.CreateClient(parsed),
            parsed.GetRequiredValue(name)!,
            new BenchOptions
            {
                Time = Options.ParseTime(parsed.GetValue(time) ?? "5s")!.Value,
                UdpKilobits = Kilobits(parsed.GetValue(rate) ?? "50M")!.Value,
                Inside = !parsed.GetValue(outside),
                Outside = !parsed.GetValue(inside),
                Port = PortOf(parsed, port),
            },
            parsed.GetValue(CommonOptions.Json),
            cancel)));
    }

    /// <summary>The same for client and server.</summary>
    public static Option<string> Port() => Options.Checked("--port", "PORT", "TCP and UDP inside; outside it is the next one [default: 51821]", text =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value is > 0 and < 65_535 ? null : $"'{text}' is no port from 1 to 65534");

    public static int PortOf(ParseResult parsed, Option<string> port) =>
        parsed.GetValue(port) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : BenchServer.DefaultPort;

    /// <summary>Waits on its thread: it is one flow after the other.</summary>
    private static int Run(ApiClient api, string name, BenchOptions options, bool json, CancellationToken cancel)
    {
        PeerDto peer = PeersCommand.FindAsync(api, name, cancel).GetAwaiter().GetResult();
        if (peer.State != PeerState.Connected)
        {
            throw new BenchException($"{name} is not connected: {peer.Reason ?? "see 'vibepn peers'"}");
        }

        if (peer.Addresses.Count == 0)
        {
            throw new BenchException($"{name} has no address inside: it does not announce one ('export = true' in its config)");
        }

        IPAddress? outside = IPEndPoint.TryParse(peer.Address ?? "", out IPEndPoint? at) ? at.Address : null;
        BenchProgress progress = new(isQuiet: json);
        BenchClient client = new(peer, IPAddress.Parse(peer.Addresses[0]), outside is { IsIPv4MappedToIPv6: true } ? outside.MapToIPv4() : outside, options, () => Ask(api), progress.Show);
        BenchDto answer;
        try
        {
            answer = client.Run(cancel);
        }
        finally
        {
            progress.End();
        }

        if (json)
        {
            Console.Out.WriteLine(BenchJson.Write(answer));
        }
        else
        {
            Terminal.Write(console => Draw(console, answer));
        }

        return answer.Flows.Count > 0 ? CommandLine.Done : CommandLine.Failed;
    }

    /// <summary>From threads that wait.</summary>
    internal static StatusDto? Ask(ApiClient api)
    {
        try
        {
            return api.GetStatusAsync(CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (ApiException)
        {
            // It is measured on, without what the daemon knows.
            return null;
        }
    }

    private static void Draw(IAnsiConsole console, BenchDto answer)
    {
        Table table = Terminal.CreateTable("", $"inside ({answer.Address})", $"outside ({answer.Outside ?? "?"})");
        Row(table, "TCP up", Tcp(answer, true, true), Tcp(answer, false, true));
        Row(table, "TCP down", Tcp(answer, true, false), Tcp(answer, false, false));
        Row(table, "idle", Humanize.Millis(answer.IdleMillis), Humanize.Millis(answer.OutsideIdleMillis));
        Row(table, "UDP up", Udp(answer, true, true), Udp(answer, false, true));
        Row(table, "UDP down", Udp(answer, true, false), Udp(answer, false, false));
        console.Write(table);
        console.WriteLine();
        FindingView.DrawSteps(console, $"what limits it: {answer.Answer}", answer.Steps);
    }

    private static void Row(Table table, string title, string? inside, string? outside) =>
        table.AddRow(Terminal.Cell(title), Terminal.Cell(inside), Terminal.Cell(outside));

    private static string? Tcp(BenchDto answer, bool inside, bool up) => Find(answer, inside, "tcp", up) is not { } flow ? null
        : $"{BenchText.Rate(flow.MegabitsPerSecond)}{(flow.LoadedMillis is { } loaded ? $", {BenchText.Of(loaded, "0.00")} ms" : "")}";

    private static string? Udp(BenchDto answer, bool inside, bool up) => Find(answer, inside, "udp", up) is not { Loss: { } loss } flow ? null
        : $"{BenchText.Percent(loss)} lost, jitter {BenchText.Of(flow.JitterMillis ?? 0, "0.00")} ms";

    private static BenchFlowDto? Find(BenchDto answer, bool inside, string protocol, bool up)
    {
        foreach (BenchFlowDto flow in answer.Flows)
        {
            if (flow.Inside == inside && flow.Protocol == protocol && flow.Up == up)
            {
                return flow;
            }
        }

        return null;
    }

    /// <summary>Bits a second with k, M or G; null: it is none, or out of bounds.</summary>
    private static int? Kilobits(string text)
    {
        double unit = text.Length == 0 ? 0 : text[^1] switch { 'k' or 'K' => 1, 'M' or 'm' => 1000, 'G' or 'g' => 1e6, _ => 1e-3 };
        ReadOnlySpan<char> number = text.AsSpan().TrimEnd("kKmMgG");
        return text.Length - number.Length <= 1 && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            && value * unit is >= 64 and <= BenchOptions.MaxUdpKilobits
            ? (int)(value * unit)
            : null;
    }
}
