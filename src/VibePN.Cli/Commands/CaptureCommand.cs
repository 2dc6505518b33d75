using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using VibePN.Api;
using VibePN.Capture;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn capture</c>: the packets in the tunnel, decrypted, as pcapng or a line each.</summary>
internal static class CaptureCommand
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static ExampleCommand Create()
    {
        Option<string> file = new("--write", "-w") { Description = "Writes a pcapng file, for Wireshark; '-' is standard output, and the default where that is no terminal", HelpName = "FILE" };
        Option<string> peer = new("--peer") { Description = "Only packets to and from this one", HelpName = "NAME" };
        Option<string> network = new("--network") { Description = "Only this network's", HelpName = "NAME" };
        Option<bool> dropped = new("--dropped") { Description = "Only packets that were dropped" };
        Option<string> snap = Options.Checked("--snaplen", "BYTES", "Of each packet at most [default: all]", text => Options.NumberError(text, 1, CaptureFilter.MaxSnapBytes));
        Option<string> count = Options.Checked("--count", "N", "Ends after as many packets", text => Options.NumberError(text, 1, int.MaxValue));
        Option<string> time = Options.Checked("--for", "TIME", "Ends after this time, as 30s or 5m", text => Options.ParseTime(text) is { Ticks: > 0 } ? null : $"'{text}' is no time");
        ExampleCommand command = new(
            "capture", "Shows the packets in the tunnel, decrypted: peer, network, direction, and why one was dropped", "vibepn capture --peer node2 | wireshark -k -i -");
        command.Add(file);
        command.Add(peer);
        command.Add(network);
        command.Add(dropped);
        command.Add(snap);
        command.Add(count);
        command.Add(time);
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            if (parsed.GetValue(time) is { } limit)
            {
                end.CancelAfter(Options.ParseTime(limit)!.Value);
            }

            bool json = parsed.GetValue(CommonOptions.Json);
            string? path = parsed.GetValue(file) ?? (Console.IsOutputRedirected && !json ? "-" : null);
            if (path is not null && json)
            {
                Terminal.Error("--json prints lines, --write a capture file: one of the two");
                return CommandLine.WrongUsage;
            }

            long most = long.Parse(parsed.GetValue(count) ?? "0", CultureInfo.InvariantCulture);
            await using Stream packets = await CommonOptions.CreateClient(parsed).CaptureAsync(
                parsed.GetValue(peer), parsed.GetValue(network), parsed.GetValue(dropped), parsed.GetValue(snap), end.Token);
            await using Stream? output = path switch
            {
                null => null,
                "-" => Console.OpenStandardOutput(),
                _ => new FileStream(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly, BufferSize = 0 }),
            };
            Tally tally = new();
            bool hungUp = await CopyAsync(new PcapngReader(new BufferedStream(packets, 64 * 1024)), output, json, most, tally, end.Token);
            Console.Error.WriteLine(tally.Text(path is null or "-" ? null : path));
            if (hungUp)
            {
                Terminal.Error("the daemon has ended, and the capture with it");
            }

            return hungUp ? CommandLine.Failed : CommandLine.Done;
        });
    }

    /// <returns>Whether the daemon ended it.</returns>
    private static async Task<bool> CopyAsync(PcapngReader reader, Stream? file, bool json, long most, Tally tally, CancellationToken cancel)
    {
        await using BufferedStream? output = file is null ? null : new BufferedStream(file, 256 * 1024);
        try
        {
            while (most == 0 || tally.Packets < most)
            {
                ValueTask<bool> next = reader.ReadAsync(cancel);
                if (output is not null && !next.IsCompleted)
                {
                    // Nothing more at the moment: who looks on sees all there is.
                    await output.FlushAsync(CancellationToken.None);
                }

                if (!await next)
                {
                    return true;
                }

                if (output is not null)
                {
                    await output.WriteAsync(reader.Block, CancellationToken.None);
                }

                if (!reader.TryGetPacket(out PcapngPacket packet))
                {
                    continue;
                }

                tally.Add(packet);
                if (output is null)
                {
                    Console.Out.WriteLine(json ? Json(packet) : Line(packet));
                }
            }

            return false;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return false;
        }
        catch (EndOfStreamException)
        {
            return true;
        }
        catch (IOException) when (output is not null && file is not FileStream)
        {
            // Who read the output has closed it, as a viewer does that has seen enough.
            return false;
        }
    }

    private static string Line(in PcapngPacket packet)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{Time(packet):HH:mm:ss.ffffff} {packet.Interface} {PacketText.Of(packet.Bytes.Span)}, {packet.WholeBytes} bytes; {packet.Comment}");
        return packet.LostBefore == 0 ? text : $"{text} ({packet.LostBefore} not captured before it)";
    }

    private static string Json(in PcapngPacket packet) => JsonSerializer.Serialize(
        new CapturedPacketDto
        {
            TimeUtc = Time(packet),
            Interface = packet.Interface,
            Out = packet.IsOut,
            Packet = PacketText.Of(packet.Bytes.Span),
            Bytes = packet.WholeBytes,
            Comment = packet.Comment,
            NotCapturedBefore = (long)packet.LostBefore,
        },
        ApiJson.Compact.CapturedPacketDto);

    private static DateTimeOffset Time(in PcapngPacket packet) => DateTimeOffset.UnixEpoch.AddTicks((long)(packet.UtcNanos / 100));

    private sealed class Tally
    {
        private long _dropped;
        private ulong _lost;

        public long Packets { get; private set; }

        public void Add(in PcapngPacket packet)
        {
            Packets++;
            _dropped += packet.Comment.Contains(", dropped: ", StringComparison.Ordinal) ? 1 : 0;
            _lost += packet.LostBefore;
        }

        public string Text(string? path)
        {
            StringBuilder text = new();
            _ = text.Append(CultureInfo.InvariantCulture, $"{Packets} packets captured, {_dropped} of them dropped");
            _ = _lost > 0 ? text.Append(CultureInfo.InvariantCulture, $"; {_lost} more came too fast (--snaplen 128 takes less of each)") : text;
            return (path is null ? text : text.Append(CultureInfo.InvariantCulture, $"; in {path}")).ToString();
        }
    }
}
