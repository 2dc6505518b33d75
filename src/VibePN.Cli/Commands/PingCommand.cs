using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;
using VibePN.Api;
using VibePN.Doctor;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn ping PEER</c>: round trips through the tunnel and beside it, and whether full packets pass.</summary>
internal static class PingCommand
{
    /// <summary>IPv4 and ICMP, IPv6 and ICMPv6 (RFC 791, 792, 8200, 4443).</summary>
    private const int HeaderBytes4 = 28;
    private const int HeaderBytes6 = 48;
    private const int MaxBytes = 65_000;

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);

    public static ExampleCommand Create()
    {
        Argument<string> name = new("PEER") { Description = "Its name, as 'vibepn peers' shows it" };
        Option<string> count = Options.Checked("--count", "N", "Echo requests [default: 5]", text => Options.NumberError(text, 1, 100_000));
        Option<string> interval = Options.Checked("--interval", "TIME", "Between two, from 0.05s [default: 1s]", text => Options.ParseTime(text) is { TotalSeconds: >= 0.05 and <= 60 } ? null : $"'{text}' is no time from 0.05s to 1m");
        Option<string> size = Options.Checked("--size", "BYTES", "Of what each carries [default: 56]", text => Options.NumberError(text, 0, MaxBytes));
        Option<bool> six = new("--ipv6") { Description = "To its IPv6 address" };
        ExampleCommand command = new("ping", "Measures the round trip to a peer through the tunnel and beside it, and whether full packets pass; 1: no answer", "vibepn ping node2 --count 20 --interval 0.1s");
        command.Add(name);
        command.Add(count);
        command.Add(interval);
        command.Add(size);
        command.Add(six);
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            bool json = parsed.GetValue(CommonOptions.Json);
            PingDto answer = await RunAsync(
                CommonOptions.CreateClient(parsed),
                parsed.GetRequiredValue(name),
                int.Parse(parsed.GetValue(count) ?? "5", CultureInfo.InvariantCulture),
                Options.ParseTime(parsed.GetValue(interval) ?? "1s")!.Value,
                int.Parse(parsed.GetValue(size) ?? "56", CultureInfo.InvariantCulture),
                parsed.GetValue(six) ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork,
                json ? _ => { }
            : Console.Out.WriteLine,
                cancel);
            Console.Out.WriteLine(json ? JsonSerializer.Serialize(answer, ApiJson.Readable.PingDto) : Text(answer));
            return answer.Received > 0 ? CommandLine.Done : CommandLine.Failed;
        });
    }

    private static async Task<PingDto> RunAsync(
        ApiClient client, string name, int count, TimeSpan interval, int size, AddressFamily family, Action<string> tell, CancellationToken cancel)
    {
        PeerDto peer = await PeersCommand.FindAsync(client, name, cancel);
        IPAddress[] inside = [.. peer.Addresses.Select(IPAddress.Parse)];
        IPAddress? to = inside.FirstOrDefault(address => address.AddressFamily == family) ?? inside.FirstOrDefault();
        PingReport report = new(peer, to?.ToString());
        report.See(peer);
        if (peer.State != PeerState.Connected || to is null)
        {
            return report.Make();
        }

        IPAddress? outside = IPEndPoint.TryParse(peer.Address ?? "", out IPEndPoint? endPoint) ? endPoint.Address : null;
        for (int number = 1; number <= count && !cancel.IsCancellationRequested; number++)
        {
            long start = TimeProvider.System.GetTimestamp();
            Task<double?> asked = outside is null ? Task.FromResult<double?>(null) : EchoAsync(outside, 56, mayBeCut: true);
            double? through = await EchoAsync(to, size, mayBeCut: true);
            double? beside = await asked;
            report.Add(through, beside);
            report.See(await PeersCommand.FindAsync(client, name, cancel));
            tell(through is { } millis
                ? string.Create(CultureInfo.InvariantCulture, $"{number}: {millis:0.00} ms through the tunnel{(beside is { } other ? $", {other:0.00} ms beside it" : "")}")
                : string.Create(CultureInfo.InvariantCulture, $"{number}: no answer within {AnswerTime.TotalSeconds:0} s"));
            TimeSpan left = interval - TimeProvider.System.GetElapsedTime(start);
            if (number < count && left > TimeSpan.Zero)
            {
                await Task.Delay(left, TimeProvider.System, cancel);
            }
        }

        // The interface follows what the path carries only once that is settled.
        StatusDto status = await client.GetStatusAsync(cancel);
        int[] sizes = [.. status.Peers.Where(one => one.Name == name).Select(one => one.MtuBytes ?? int.MaxValue), .. status.Networks.Where(network => peer.Networks.Contains(network.Name)).Select(network => network.MtuBytes)];
        if (sizes.Min() is var mtu and < int.MaxValue)
        {
            report.MtuBytes = mtu;
            // Again where it was lost: one packet says nothing on a bad line.
            for (int i = 0; i < 3 && report.MtuPasses is not true; i++)
            {
                report.MtuPasses = await EchoAsync(to, mtu - (to.AddressFamily == AddressFamily.InterNetworkV6 ? HeaderBytes6 : HeaderBytes4), mayBeCut: false) is not null;
            }
        }

        return report.Make();
    }

    /// <returns>Milliseconds; null: no answer in time.</returns>
    private static async Task<double?> EchoAsync(IPAddress to, int bytes, bool mayBeCut)
    {
        try
        {
            using Ping ping = new();
            long start = TimeProvider.System.GetTimestamp();
            PingReply reply = await ping.SendPingAsync(to, (int)AnswerTime.TotalMilliseconds, new byte[Math.Max(0, bytes)], new PingOptions(64, dontFragment: !mayBeCut));
            return reply.Status == IPStatus.Success ? TimeProvider.System.GetElapsedTime(start).TotalMilliseconds : null;
        }
        catch (PingException)
        {
            // No route, or the kernel knows that it is too large: as good as no answer.
            return null;
        }
    }

    private static string Text(PingDto answer)
    {
        string tunnel = answer.Received == 0
            ? $"{answer.Received} of {answer.Sent} answered through the tunnel"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{answer.Received} of {answer.Sent} answered through the tunnel: least {answer.MinMillis:0.00}, median {answer.MedianMillis:0.00}, 95 % {answer.P95Millis:0.00}, most {answer.MaxMillis:0.00} ms");
        string path = string.Create(
            CultureInfo.InvariantCulture,
            $"beside it: the connection at {answer.Outside ?? "?"} measures {Millis(answer.PathMillis)}, ICMP {(answer.OutsideMillis is null ? "is not answered" : Millis(answer.OutsideMillis))}");
        string mtu = answer.MtuBytes is not { } bytes ? "" : $"\npackets of {bytes} bytes {(answer.MtuPasses switch { true => "come through whole", false => "do not come through", null => "are said to fit" })}";
        return answer.Sent == 0 ? answer.Answer : $"\n{tunnel}\n{path}{mtu}\n{answer.Answer}";
    }

    private static string Millis(double? value) => value is { } millis ? string.Create(CultureInfo.InvariantCulture, $"{millis:0.00} ms") : "nothing yet";
}
