using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary><c>vibepn capture</c>, read by a program that knows nothing of this one.</summary>
public sealed class CaptureTests(ConnectedPair pair) : IClassFixture<ConnectedPair>
{
    [Fact]
    public void Capture_OfAPing_OpensInTsharkWithTheRightComments()
    {
        string[] files = [Path.Combine(pair.One.Folder, "one.pcapng"), Path.Combine(pair.Two.Folder, "two.pcapng")];
        using RunningProgram atOne = Capture(pair.One, "-w", files[0]);
        using RunningProgram atTwo = Capture(pair.Two, "--write", files[1], "--network", TestNode.Network);
        Outcome ping = pair.One.Host.Run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "5", pair.Two.Inner);
        Assert.True(ping.ExitCode == 0, ping.ToString());
        _ = pair.One.Host.Run("ping", "-n", "-c", "1", "-W", "1", "10.42.0.99");
        End(atOne);
        End(atTwo);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(files[0]));
        string[] one = Read(pair.One, files[0]);
        Assert.Equal(2, one.Count(line => line == Line("8", pair.One.Inner, pair.Two.Inner, "0x00000002", "out to peer two, network corp")));
        Assert.Equal(2, one.Count(line => line == Line("0", pair.Two.Inner, pair.One.Inner, "0x00000001", "in from peer two, network corp")));
        Assert.Contains(Line("8", pair.One.Inner, "10.42.0.99", "0x00000002", "out, network corp, dropped: outNoRoute (no peer owns the destination)"), one);
        string[] two = Read(pair.Two, files[1]);
        Assert.Equal(2, two.Count(line => line == Line("8", pair.One.Inner, pair.Two.Inner, "0x00000001", "in from peer one, network corp")));
        Assert.Equal(2, two.Count(line => line == Line("0", pair.Two.Inner, pair.One.Inner, "0x00000002", "out to peer one, network corp")));
    }

    [Fact]
    public void Capture_OnATerminalOrAsJson_PrintsALineAPacketForOneAtATime()
    {
        using RunningProgram json = Capture(pair.One, "--json", "--peer", "two", "--count", "2");
        Outcome second = pair.One.Host.Run([TestBed.Executable, "capture", "--config", pair.One.ConfigPath, "--for", "1s"]);
        Assert.Equal((1, true), (second.ExitCode, second.Errors.Contains("captured for pid", StringComparison.Ordinal)));
        Outcome ping = pair.One.Host.Run("ping", "-n", "-c", "3", "-i", "0.2", "-W", "5", pair.Two.Inner);
        Assert.True(ping.ExitCode == 0, ping.ToString());
        Assert.True(json.WaitForExit(TimeSpan.FromSeconds(15)));
        Assert.Equal(0, json.ExitCode);

        JsonNode first = JsonNode.Parse(json.Lines[0])!;
        Assert.Equal(
            ($"{pair.One.Inner} > {pair.Two.Inner} echo request", true, TestNode.Interface, "out to peer two, network corp", 84),
            (first["packet"]!.GetValue<string>(), first["out"]!.GetValue<bool>(), first["interface"]!.GetValue<string>(), first["comment"]!.GetValue<string>(), first["bytes"]!.GetValue<int>()));
        Assert.Contains("2 packets captured, 0 of them dropped", json.Errors, StringComparison.Ordinal);

        // Who hangs up frees the place.
        Wait.Until(TimeSpan.FromSeconds(10), "another may capture", () =>
            pair.One.Host.Run([TestBed.Executable, "capture", "--config", pair.One.ConfigPath, "--for", "0.2s", "--dropped"]).ExitCode == 0);
    }

    private static RunningProgram Capture(TestNode at, params string[] options)
    {
        int before = at.CountLog("Packets are captured");
        RunningProgram program = at.Host.Start([TestBed.Executable, "capture", "--config", at.ConfigPath, .. options]);
        Wait.Until(TimeSpan.FromSeconds(15), "the capture has begun", () => at.CountLog("Packets are captured") > before || program.HasExited);
        Assert.False(program.HasExited, program.Errors);
        return program;
    }

    private static void End(RunningProgram capture)
    {
        // What the daemon has is on its way within milliseconds.
        Wait.For(TimeSpan.FromMilliseconds(500));
        capture.Signal(Signal.Interrupt);
        Assert.True(capture.WaitForExit(TimeSpan.FromSeconds(15)));
        Assert.True(capture.ExitCode == 0, capture.Errors);
    }

    /// <summary>The echo packets, field by field, with bad checksums left out.</summary>
    private static string[] Read(TestNode at, string file)
    {
        Outcome outcome = at.Host.Run(
            [
                "tshark", "-n", "-r", file, "-o", "ip.check_checksum:TRUE", "-Y", "icmp.type in {0,8} && icmp.checksum.status == 1 && ip.checksum.status == 1", "-T", "fields",
                "-e", "icmp.type", "-e", "ip.src", "-e", "ip.dst", "-e", "frame.interface_name", "-e", "frame.packet_flags", "-e", "frame.comment",
            ]);
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        return outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Line(string type, string from, string to, string flags, string comment) =>
        string.Join('\t', type, from, to, TestNode.Interface, flags, comment);
}
