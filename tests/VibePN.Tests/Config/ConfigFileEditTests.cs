using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Config;

public sealed class ConfigFileEditTests : IDisposable
{
    private static readonly PeerConfig NewPeer = new() { Name = "added", Fingerprint = PeerId.Parse(ConfigTexts.OtherPin), Networks = ["corp"] };

    private readonly TemporaryDirectory _directory = new();
    private readonly string _file;

    public ConfigFileEditTests()
    {
        _file = _directory.File("config.toml");
        File.WriteAllText(_file, ConfigTexts.Full);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Apply_ResultDoesNotLoad_LeavesTheFileAlone()
    {
        ConfigException failure = await Assert.ThrowsAsync<ConfigException>(() => Apply(_file, edit => edit.AddPeer(NewPeer with { Networks = ["nowhere"] })));

        Assert.Contains("nowhere", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ConfigTexts.Full, await File.ReadAllTextAsync(_file, TestContext.Current.CancellationToken));
        Assert.Equal([_file], Directory.GetFiles(_directory.Path));
    }

    [Fact]
    public async Task Apply_FileIsWrongAlready_SaysWhere()
    {
        await File.AppendAllTextAsync(_file, "\nnonsense = 1\n", TestContext.Current.CancellationToken);

        ConfigException failure = await Assert.ThrowsAsync<ConfigException>(() => Apply(_file, edit => edit.AddPeer(NewPeer)));

        Assert.All(failure.Errors, error => Assert.True(error.Line > 0, error.ToString()));
    }

    [Fact]
    public async Task Apply_KeepsModeLinkAndMarkAndLeavesABackup()
    {
        string text = '\uFEFF' + ConfigTexts.Full.ReplaceLineEndings("\r\n");
        string real = _directory.File("real.toml");
        string link = _directory.File("link.toml");
        await File.WriteAllTextAsync(real, text, TestContext.Current.CancellationToken);
        File.Delete(_file);
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        File.SetUnixFileMode(real, Mode);
        _ = File.CreateSymbolicLink(link, real);

        ConfigFileEdit done = await Apply(link, edit => edit.AddPeer(NewPeer));

        byte[] written = await File.ReadAllBytesAsync(real, TestContext.Current.CancellationToken);
        Assert.Equal([0xEF, 0xBB, 0xBF, (byte)'['], written[..4]);
        Assert.Equal(2, ConfigFile.Load(link).Peers.Count);
        Assert.Equal(real, new FileInfo(link).LinkTarget);
        Assert.Equal(real + ".bak", done.Backup);
        Assert.All([real, real + ".bak"], file => Assert.Equal(Mode, File.GetUnixFileMode(file)));
        Assert.Equal(text, System.Text.Encoding.UTF8.GetString(await File.ReadAllBytesAsync(real + ".bak", TestContext.Current.CancellationToken)));
        Assert.Equal(3, Directory.GetFileSystemEntries(_directory.Path).Length);
    }

    [Fact]
    public async Task Apply_FileChangedMeanwhile_GivesUp()
    {
        int calls = 0;
        ConfigException failure = await Assert.ThrowsAsync<ConfigException>(() => Apply(_file, edit =>
        {
            edit.AddPeer(NewPeer);
            if (++calls == 2)
            {
                File.AppendAllText(_file, "# somebody else\n");
            }
        }));

        Assert.Contains("changed by somebody else", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("# somebody else\n", await File.ReadAllTextAsync(_file, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_ManyAtOnce_LosesNone()
    {
        const int Edits = 24;
        await Task.WhenAll(Enumerable.Range(0, Edits).Select(i => Task.Run(() => Apply(_file, edit => edit.AddPeer(NewPeer with
        {
            Name = $"p{i}",
            Fingerprint = PeerId.Parse(i.ToString("x64", System.Globalization.CultureInfo.InvariantCulture)),
        })))));

        Assert.Equal(Edits + 1, ConfigFile.Load(_file).Peers.Count);
        Assert.Equal([_file, _file + ".bak"], Directory.GetFileSystemEntries(_directory.Path).Order());
    }

    [Fact]
    public async Task Apply_AfterOneThatWasKilled_TakesAwayWhatItLeft()
    {
        string left = _directory.File(".config.toml.4711.tmp");
        string others = _directory.File(".config.toml.mine.tmp");
        await File.WriteAllTextAsync(left, "half", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(others, "", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_directory.File(".config.toml.lock"), "", TestContext.Current.CancellationToken);

        _ = await Apply(_file, edit => edit.AddPeer(NewPeer));

        Assert.Equal([others, _file, _file + ".bak"], Directory.GetFileSystemEntries(_directory.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Apply_LockIsHeldForLong_SaysByWhichFile()
    {
        string lockFile = _directory.File(".config.toml.lock");
        await using FileStream held = new(lockFile, FileMode.Create, FileAccess.Write, FileShare.None);
        RunningAheadClock clock = new();

        ConfigException failure = await Assert.ThrowsAsync<ConfigException>(() =>
            ConfigFileEdit.ApplyAsync(_file, edit => edit.AddPeer(NewPeer), clock, TestContext.Current.CancellationToken));

        Assert.Contains(lockFile, failure.Message, StringComparison.Ordinal);
        Assert.Equal(ConfigTexts.Full, await File.ReadAllTextAsync(_file, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Plan_WritesNothingAndShowsTheDifference()
    {
        ConfigFileEdit plan = ConfigFileEdit.Plan(_file, edit => edit.RemovePeer("node2"));

        Assert.Equal([_file], Directory.GetFileSystemEntries(_directory.Path));
        Assert.Contains("\n-name = \"node2\"\n", plan.Diff, StringComparison.Ordinal);
        Assert.DoesNotContain("\n+", plan.Diff[plan.Diff.IndexOf("@@", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.Empty(plan.Config.Peers);
    }

    private static Task<ConfigFileEdit> Apply(string path, Action<ConfigEdit> edit) =>
        ConfigFileEdit.ApplyAsync(path, edit, TimeProvider.System, TestContext.Current.CancellationToken);

    /// <summary>Each look at it is a second later.</summary>
    private sealed class RunningAheadClock : TimeProvider
    {
        private long _now;

        public override long GetTimestamp() => _now += TimestampFrequency;
    }
}
