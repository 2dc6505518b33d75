using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Commands that tell people what goes on: log-level, netcheck, ping, top, bugreport.</summary>
public sealed class OverviewTests(ConnectedPair pair) : IClassFixture<ConnectedPair>
{
    [Fact]
    public void LogLevel_Debug_IsInForceUntilItIsTakenBack()
    {
        TestNode one = pair.One;
        Assert.Equal("info", Ask("log-level").Trim());
        Assert.StartsWith("debug until ", Ask("log-level", "debug", "--for", "1h"), StringComparison.Ordinal);
        Assert.Equal("debug", JsonNode.Parse(Ask("log-level", "--json"))!["level"]!.GetValue<string>());
        int before = one.CountLog(" debug ");
        _ = pair.Two.Restart();
        pair.Two.WaitForTrafficTo(one, TimeSpan.FromSeconds(10));
        Wait.Until(TimeSpan.FromSeconds(10), "the peer's messages are in the log", () => one.CountLog(" debug ") > before);
        Assert.Equal("info", Ask("log-level", "info").Trim());
        Outcome wrong = Run("log-level", "loud");
        Assert.Equal((2, true), (wrong.ExitCode, wrong.Errors.Contains("debug, info, warning, error", StringComparison.Ordinal)));
    }

    [Fact]
    public void Netcheck_NothingBetween_SaysSo()
    {
        Wait.Until(TimeSpan.FromSeconds(10), "the peer says how it sees this host", () => pair.One.PeerOf(pair.Two)?["seenAs"] is not null);
        JsonNode answer = JsonNode.Parse(Ask("netcheck", "--json"))!;
        Assert.Equal("none", answer["nat"]!.GetValue<string>());
        Assert.False(answer["seen"]![0]!["translated"]!.GetValue<bool>());
        Assert.Equal(answer["addresses"]!.AsArray().Select(address => $"{address}:51820").First(), answer["seen"]![0]!["seenAs"]!.GetValue<string>());
    }

    [Fact]
    public void Ping_OfAPeer_MeasuresBothWaysAndTheSize()
    {
        JsonNode answer = JsonNode.Parse(Ask("ping", "two", "--count", "3", "--interval", "0.1s", "--json"))!;
        Assert.Equal((3, 3), (answer["sent"]!.GetValue<int>(), answer["received"]!.GetValue<int>()));
        Assert.Equal(pair.Two.Inner, answer["address"]!.GetValue<string>());
        Assert.InRange(answer["medianMillis"]!.GetValue<double>(), 0.01, 2000);
        Assert.InRange(answer["pathMillis"]!.GetValue<double>(), 0.01, 2000);
        Assert.InRange(answer["outsideMillis"]!.GetValue<double>(), 0.01, 2000);
        Assert.True(answer["mtuPasses"]!.GetValue<bool>(), answer.ToJsonString());
        Assert.Contains("answered through the tunnel", Ask("ping", "two", "--count", "1", "--ipv6"), StringComparison.Ordinal);
        Outcome nobody = Run("ping", "nobody");
        Assert.Equal((1, true), (nobody.ExitCode, nobody.Errors.Contains("no peer 'nobody'", StringComparison.Ordinal)));
    }

    [Fact]
    public void Top_BesideTraffic_ShowsItsRate()
    {
        Outcome refused = Run("top");
        Assert.Equal(2, refused.ExitCode);
        using RunningProgram ping = pair.One.Host.Start("ping", "-n", "-q", "-i", "0.01", "-s", "1000", "-c", "500", pair.Two.Inner);
        string text = Ask("top", "--count", "3", "--interval", "0.3s");
        string[] rows = [.. text.Split('\n').Where(line => line.StartsWith("two ", StringComparison.Ordinal))];
        Assert.Equal(3, rows.Length);
        Assert.Contains(rows, row => row.Contains("kbit/s", StringComparison.Ordinal));
    }

    [Fact]
    public void Bugreport_OfARunningNode_HasWhatIsNeededAndNoSecret()
    {
        string key = File.ReadAllText(pair.One.KeyPath).Split('\n')[1];
        string invite = Ask("invite", "--for", "laptop").Split('\n').Select(line => line.Trim()).First(line => line.Contains("vibepn1:", StringComparison.Ordinal));
        string secret = invite[(invite.IndexOf("vibepn1:", StringComparison.Ordinal) + 8)..][..40];
        File.AppendAllText(pair.One.ConfigPath, $"\n# {invite}\n");
        string path = Path.Combine(pair.One.Folder, "report.tar.gz");
        Assert.Contains("files", Ask("bugreport", "--output", path), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(1, Run("bugreport", "--output", path).ExitCode);

        Dictionary<string, string> files = Unpack(path);
        Assert.All(
            ["README.txt", "status.json", "doctor.json", "netcheck.json", "config.toml", "routes.json", "peers/two.json", "host/addresses.txt", "host/routes.txt"],
            name => Assert.Contains($"vibepn-bugreport/{name}", files.Keys));
        Assert.Contains("vpn-corp", files["vibepn-bugreport/host/addresses.txt"], StringComparison.Ordinal);
        Assert.Contains("(left out)", files["vibepn-bugreport/config.toml"], StringComparison.Ordinal);
        Assert.All(files.Values, text => Assert.False(text.Contains(secret, StringComparison.Ordinal) || text.Contains(key, StringComparison.Ordinal)));
    }

    private static Dictionary<string, string> Unpack(string path)
    {
        Dictionary<string, string> files = [];
        using GZipStream packed = new(File.OpenRead(path), CompressionMode.Decompress);
        using TarReader archive = new(packed);
        while (archive.GetNextEntry() is { } entry)
        {
            using StreamReader reader = new(entry.DataStream ?? System.IO.Stream.Null);
            files[entry.Name] = reader.ReadToEnd();
        }

        return files;
    }

    private Outcome Run(params string[] command) => pair.One.Host.Run([TestBed.Executable, .. command, "--config", pair.One.ConfigPath]);

    private string Ask(params string[] command)
    {
        Outcome outcome = Run(command);
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        return outcome.Output;
    }
}
