using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Config;

/// <summary>Which config a daemon runs on, through reloads, confirmations that come or do not, failures and restarts.</summary>
public sealed class ConfigInForceTests : IAsyncDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualClock _clock = new();
    private readonly List<string> _applied = [];
    private readonly List<string> _rolledBack = [];
    private readonly List<string> _problems = [];
    private ConfigInForce? _inForce;
    private string? _failure;

    public async ValueTask DisposeAsync()
    {
        await (_inForce?.DisposeAsync() ?? ValueTask.CompletedTask);
        _directory.Dispose();
    }

    [Fact]
    public async Task Reload_TakesTheFileForGood()
    {
        Start("one");
        Write("two");

        ReloadResult result = await Reload();

        Assert.True(result.IsApplied);
        Assert.Equal(["~ [node]: name one → two"], result.Changes.Select(change => change.ToString()));
        Assert.Null(result.ConfirmBy);
        Assert.Equal(["two"], _applied);
        Assert.Equal("two", StartAgain());
    }

    [Fact]
    public async Task Reload_OfTheSame_AppliesNothing()
    {
        Start("one");
        Write("one", "# another comment");

        ReloadResult result = await Reload(Minute);

        Assert.True(result.IsApplied);
        Assert.Empty(result.Changes);
        Assert.Null(result.ConfirmBy);
        Assert.Empty(_applied);
    }

    [Fact]
    public async Task DryRun_ChangesNothing()
    {
        Start("one");
        Write("two");
        _problems.Add("a problem");

        ReloadResult result = await Inforce.ReloadAsync(isDryRun: true, Minute);

        Assert.False(result.IsApplied);
        Assert.Single(result.Changes);
        Assert.Equal(["a problem"], result.Problems);
        Assert.Empty(_applied);
        Assert.False(File.Exists(Record));
    }

    [Fact]
    public async Task Problem_OrFailure_LeavesEverythingAsItWas()
    {
        Start("one");
        Write("two");
        _problems.Add("a problem");
        Assert.Equal(["a problem"], (await Reload(Minute)).Problems);
        Assert.Empty(_applied);

        _problems.Clear();
        _failure = "the port is taken";
        ReloadResult result = await Reload(Minute);

        Assert.Equal(["the port is taken"], result.Problems);
        Assert.False(result.IsApplied);
        Assert.Null(Inforce.ConfirmBy);
        Assert.False(File.Exists(Record));
        _failure = null;
        Write("one");
        Assert.Empty((await Reload()).Changes);
    }

    [Fact]
    public async Task BadFile_IsRefusedWithAllItsErrors()
    {
        Start("one");
        File.WriteAllText(ConfigPath, "[node]\nnmae = 3\n");

        ConfigException failure = await Assert.ThrowsAsync<ConfigException>(() => Reload(Minute));

        Assert.True(failure.Errors.Count > 1);
        Assert.Empty(_applied);
    }

    [Fact]
    public async Task KeyThatNeedsARestart_IsAProblem()
    {
        Start("one");
        Write("two", "[tuning]\nudp_gso = false");

        ReloadResult result = await Reload();

        Assert.Contains("udp_gso true → false: this needs a restart", Assert.Single(result.Problems), StringComparison.Ordinal);
        Assert.Empty(_applied);
    }

    [Fact]
    public async Task Confirmation_ThatDoesNotCome_UndoesIt()
    {
        Start("one");
        Write("two");
        Assert.Equal(_clock.GetUtcNow() + Minute, (await Reload(Minute)).ConfirmBy);
        Assert.Equal("one", StartAgain());

        _clock.Advance(Minute - TimeSpan.FromSeconds(1));
        Assert.Equal(["two?"], _applied);
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(["two?", "one"], _applied);
        Assert.Equal(["~ [node]: name two → one"], _rolledBack);
        Assert.Null(Inforce.ConfirmBy);
        Assert.True(Inforce.IsFileRejected);
        Assert.False(await Inforce.ConfirmAsync());

        // A start does not take the file, unless somebody edits it.
        Assert.Equal("one", StartAgain());
        string rejected = File.ReadAllText(ConfigPath);
        Write("three");
        Assert.Equal("three", StartAgain());
        File.WriteAllText(ConfigPath, rejected);
        Assert.Equal("one", StartAgain());
    }

    [Fact]
    public async Task Confirmation_InTime_KeepsIt()
    {
        Start("one");
        Write("two");
        _ = await Reload(Minute);

        Assert.True(await Inforce.ConfirmAsync());
        _clock.Advance(2 * Minute);

        Assert.Equal(["two?", "two"], _applied);
        Assert.Equal("two", StartAgain());
        Assert.False(await Inforce.ConfirmAsync());
    }

    [Fact]
    public async Task SecondReload_WhileOneWaits_BelongsToTheSameChange()
    {
        Start("one");
        Write("two");
        DateTimeOffset? by = (await Reload(Minute)).ConfirmBy;
        _clock.Advance(Minute / 2);
        Write("three");

        Assert.Equal(by, (await Reload()).ConfirmBy);
        _clock.Advance(Minute / 2);

        Assert.Equal(["two?", "three?", "one"], _applied);
        Assert.Equal("one", StartAgain());
    }

    [Fact]
    public async Task SecondReload_WithATimeOfItsOwn_SetsTheTimeAnew()
    {
        Start("one");
        Write("two");
        _ = await Reload(Minute);
        _clock.Advance(Minute / 2);

        Assert.Equal(_clock.GetUtcNow() + (2 * Minute), (await Reload(2 * Minute)).ConfirmBy);
        _clock.Advance(Minute);
        Assert.Equal(["two?"], _applied);
        _clock.Advance(Minute);
        Assert.Equal(["two?", "one"], _applied);
    }

    [Fact]
    public async Task Reload_OfWhatWasConfirmed_EndsTheWait()
    {
        Start("one");
        Write("two");
        _ = await Reload(Minute);
        Write("one");

        Assert.Null((await Reload()).ConfirmBy);
        _clock.Advance(2 * Minute);

        Assert.Equal(["two?", "one"], _applied);
        Assert.Empty(_rolledBack);
        Assert.False(Inforce.IsFileRejected);
        Assert.False(File.Exists(Record));
    }

    [Fact]
    public async Task FailedReload_WhileOneWaits_KeepsWaitingForTheFirst()
    {
        Start("one");
        Write("two");
        DateTimeOffset? by = (await Reload(Minute)).ConfirmBy;
        string second = File.ReadAllText(ConfigPath);
        Write("three");
        _failure = "no";
        _ = await Reload(Minute);
        _failure = null;

        Assert.Equal(by, Inforce.ConfirmBy);
        File.WriteAllText(ConfigPath, second);
        Assert.Equal("one", StartAgain());
        _clock.Advance(Minute);
        Assert.Equal(["two?", "one"], _applied);
    }

    [Fact]
    public async Task WayBack_ThatFails_IsTriedAgain()
    {
        Start("one");
        Write("two");
        _ = await Reload(Minute);
        _failure = "not now";
        _clock.Advance(Minute);
        Assert.Equal(["not now"], _rolledBack);
        Assert.NotNull(Inforce.ConfirmBy);

        _failure = null;
        _clock.Advance(Minute);

        Assert.Equal(["two?", "one"], _applied);
        Assert.True(Inforce.IsFileRejected);
    }

    [Fact]
    public async Task RejectedFile_ReloadedAfterAll_IsInForceForGood()
    {
        Start("one");
        Write("two");
        _ = await Reload(Minute);
        _clock.Advance(Minute);
        Assert.Equal("one", StartAgain());
        Restart();
        Assert.True(Inforce.IsFileRejected);

        Assert.True((await Reload()).IsApplied);

        Assert.False(Inforce.IsFileRejected);
        Assert.Equal("two", StartAgain());
    }

    [Fact]
    public void Record_ThatCannotBeRead_IsToldAndTheFileIsUsed()
    {
        Write("one");
        Directory.CreateDirectory(Path.GetDirectoryName(Record)!);
        File.WriteAllText(Record, "{");

        ConfigText start = new UnconfirmedFile(Path.GetDirectoryName(Record)!).Choose(ConfigText.Load(ConfigPath), out UnconfirmedFile.Record? record, out string? problem);

        Assert.Equal("one", start.Config.Node.Name);
        Assert.Null(record);
        Assert.Contains("unconfirmed.json", problem, StringComparison.Ordinal);
    }

    private ConfigInForce Inforce => _inForce!;

    private string ConfigPath => Path.Combine(_directory.Path, "config.toml");

    private string Record => Path.Combine(_directory.Path, "state", "unconfirmed.json");

    private Task<ReloadResult> Reload(TimeSpan? confirmWithin = null) => Inforce.ReloadAsync(isDryRun: false, confirmWithin);

    private void Write(string name, string more = "") => File.WriteAllText(ConfigPath, $"""
        {more}
        [identity]
        cert = "node.crt"
        key = "node.key"
        [node]
        name = "{name}"
        state = "state"
        [networks.corp]
        prefix = "10.42.0.0/24"

        """);

    private void Start(string name)
    {
        Write(name);
        Restart();
    }

    private void Restart()
    {
        ConfigText start = Choose(out UnconfirmedFile.Record? record);
        _inForce = new ConfigInForce(start, record, Apply, _ => Task.FromResult(new ConfigCheck([.. _problems], [])), _clock);
        _inForce.RolledBack += (changes, failure) => _rolledBack.AddRange(failure is null ? changes.Select(change => change.ToString()) : [failure]);
    }

    /// <returns>The name that a daemon would start with now.</returns>
    private string StartAgain() => Choose(out _).Config.Node.Name;

    private ConfigText Choose(out UnconfirmedFile.Record? record)
    {
        ConfigText file = ConfigText.Load(ConfigPath);
        ConfigText start = new UnconfirmedFile(file.Config.Node.State).Choose(file, out record, out string? problem);
        Assert.Null(problem);
        return start;
    }

    private Task Apply(NodeConfig config, bool isForGood)
    {
        if (_failure is not null)
        {
            throw new InvalidOperationException(_failure);
        }

        _applied.Add(config.Node.Name + (isForGood ? "" : "?"));
        return Task.CompletedTask;
    }
}
