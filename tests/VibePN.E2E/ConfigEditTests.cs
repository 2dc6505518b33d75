using System.Globalization;
using VibePN.Config;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Commands that edit the config file, as processes: killed at any moment, several at once, beside a daemon that runs.</summary>
public sealed class ConfigEditTests : IDisposable
{
    /// <summary>VIBEPN_KILLS sets another number.</summary>
    private static readonly int s_kills = int.TryParse(Environment.GetEnvironmentVariable("VIBEPN_KILLS"), out int kills) ? kills : 25;

    private readonly TestBed _bed = new();
    private readonly string _config;

    public ConfigEditTests()
    {
        _config = Path.Combine(_bed.Folder, "config.toml");
        Outcome made = Vibe("init", "--name", "one", "--network", "corp", "--prefix", "10.42.0.0/24", "--socket", Path.Combine(_bed.Folder, "sock"));
        Assert.True(made.ExitCode == 0, made.ToString());
    }

    public void Dispose() => _bed.Dispose();

    /// <summary>
    /// The moment is random, around the one at which as many have written as have not. Whatever it was, the file is the one before or the
    /// one after, and so is the backup; the next command finds nothing in its way.
    /// </summary>
    [Fact]
    public void AddPeer_KilledAtAnyMoment_LeavesAWholeFile()
    {
        int seed = Environment.ProcessId;
        Random random = new(seed);
        long start = TimeProvider.System.GetTimestamp();
        AddPeer("p0");
        TimeSpan middle = TimeProvider.System.GetElapsedTime(start);
        HashSet<string> known = [File.ReadAllText(_config), File.ReadAllText(_config + ".bak")];
        int written = 0;
        for (int i = 1; i <= s_kills; i++)
        {
            string before = File.ReadAllText(_config);
            string after = ConfigFileEdit.Plan(_config, edit => edit.AddPeer(Peer(i))).After;
            _ = known.Add(after);
            using (RunningProgram program = RunningProgram.Start(Arguments($"p{i}", Pin(i))))
            {
                program.WaitForExit(middle * (0.7 + (0.6 * random.NextDouble())));
            }

            string now = File.ReadAllText(_config);
            string context = $"seed {seed}, kill {i}";
            Assert.True(now == before || now == after, $"{context}: neither the file before nor the one after:\n{now}");
            Assert.True(known.Contains(File.ReadAllText(_config + ".bak")), $"{context}: half a backup");
            written += now == after ? 1 : 0;
            middle *= now == after ? 0.9 : 1.1;
        }

        AddPeer("last");
        TestContext.Current.TestOutputHelper?.WriteLine($"{written} of {s_kills} were killed after they had written");
        Assert.Equal(written + 2, ConfigFile.Load(_config).Peers.Count);
        Assert.Equal(
            ["config.toml", "config.toml.bak", "node.crt", "node.key"],
            Directory.GetFileSystemEntries(_bed.Folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AddPeer_SeveralAtOnce_LosesNone()
    {
        RunningProgram[] programs = [.. Enumerable.Range(1, 6).Select(i => RunningProgram.Start(Arguments($"p{i}", Pin(i))))];
        foreach (RunningProgram program in programs)
        {
            Assert.True(program.WaitForExit(TimeSpan.FromSeconds(60)) && program.ExitCode == 0, program.Output + program.Errors);
            program.Dispose();
        }

        Assert.Equal(6, ConfigFile.Load(_config).Peers.Count);
    }

    [Fact]
    public void RemovePeer_DryRunThenDone_ShowsAndTakesOutTheEntry()
    {
        AddPeer("p1");
        string before = File.ReadAllText(_config);

        Outcome shown = Vibe("remove-peer", "p1", "--dry-run");
        Assert.True(shown.ExitCode == 0 && shown.Output.Contains("-name = \"p1\"", StringComparison.Ordinal), shown.ToString());
        Assert.Equal(before, File.ReadAllText(_config));
        Outcome done = Vibe("remove-peer", "p1", "--json");
        Assert.True(done.ExitCode == 0, done.ToString());
        Assert.Contains("\"daemon\": \"NotRunning\"", done.Output, StringComparison.Ordinal);
        Assert.Empty(ConfigFile.Load(_config).Peers);
        Assert.Equal(before, File.ReadAllText(_config + ".bak"));
        Outcome again = Vibe("remove-peer", "p1");
        Assert.True(again.ExitCode == 1 && again.Errors.Contains("there is no peer 'p1'", StringComparison.Ordinal), again.ToString());
    }

    private static string Pin(int i) => i.ToString("x64", CultureInfo.InvariantCulture);

    private static PeerConfig Peer(int i) => new() { Name = $"p{i}", Fingerprint = PeerId.Parse(Pin(i)), Networks = ["corp"] };

    private string[] Arguments(string name, string pin) => [TestBed.Executable, "add-peer", "--name", name, "--fingerprint", pin, "--config", _config];

    private void AddPeer(string name)
    {
        Outcome outcome = Shell.Run(Arguments(name, TestIdentity.Create(name).Fingerprint));
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
    }

    private Outcome Vibe(string command, params string[] arguments) =>
        Shell.Run([TestBed.Executable, command, .. arguments, "--config", _config]);
}
