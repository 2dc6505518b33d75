namespace VibePN.Config;

/// <summary>
/// The config that a daemon runs on, how it comes to run on another, and how it goes back by itself when nobody confirms. For any thread; one
/// change at a time.
/// </summary>
/// <remarks>
/// While a confirmation is pending every further reload belongs to the same unconfirmed change: the way back always leads to the last
/// confirmed config, one confirmation confirms all, and a file that says what was confirmed ends the wait.
/// </remarks>
public sealed class ConfigInForce : IAsyncDisposable
{
    /// <summary>Until the next attempt, when going back has failed.</summary>
    private static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly UnconfirmedFile _file;
    private readonly Func<NodeConfig, bool, Task> _apply;
    private readonly Func<NodeConfig, Task<ConfigCheck>> _check;
    private readonly TimeProvider _clock;
    private ConfigText _inForce;
    private ConfigText _confirmed;
    private UnconfirmedFile.Record? _record;
    private volatile Wait? _wait;

    /// <param name="start">What the daemon started with.</param>
    /// <param name="record">Set: that was the confirmed config, not the file's.</param>
    /// <param name="apply">
    /// Takes a config into use, or throws and leaves everything as it was. True: for good; with the config in force, it is for good from now on.
    /// </param>
    /// <param name="check">Finds what would stand against it, without changing anything.</param>
    public ConfigInForce(
        ConfigText start,
        UnconfirmedFile.Record? record,
        Func<NodeConfig, bool, Task> apply,
        Func<NodeConfig, Task<ConfigCheck>> check,
        TimeProvider clock)
    {
        _inForce = start;
        _confirmed = start;
        _record = record;
        _apply = apply;
        _check = check;
        _clock = clock;
        _file = new UnconfirmedFile(start.Config.Node.State);
        if (record is null)
        {
            TryForget();
        }
    }

    /// <summary>Nobody confirmed in time. With the changes that were undone; with a reason, it failed and is tried again.</summary>
    public event Action<IReadOnlyList<ConfigChange>, string?>? RolledBack;

    /// <summary>Until when the config in force has to be confirmed, or null.</summary>
    public DateTimeOffset? ConfirmBy => _wait?.By;

    /// <summary>The config file is not the one in force, because nobody confirmed it.</summary>
    public bool IsFileRejected => Volatile.Read(ref _record) is not null && _wait is null;

    /// <summary>Reads the file anew and takes it into use.</summary>
    /// <param name="isDryRun">Only tells what would be done.</param>
    /// <param name="confirmWithin">Undone after this time unless <see cref="ConfirmAsync"/> comes before; null: for good, or as long as already runs.</param>
    /// <exception cref="ConfigException">The file is wrong; nothing has changed.</exception>
    public async Task<ReloadResult> ReloadAsync(bool isDryRun, TimeSpan? confirmWithin)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            ConfigText next = ConfigText.Load(_inForce.Config.Path);
            IReadOnlyList<ConfigChange> changes = ConfigDifference.Between(_inForce.Config, next.Config);
            ConfigCheck check = await _check(next.Config).ConfigureAwait(false);
            List<string> problems =
            [
                .. changes.Where(change => change.NeedsRestart).Select(change => $"{change}: this needs a restart of the daemon"),
                .. check.Problems,
            ];
            List<string> notes = [.. next.Config.Warnings.Select(warning => warning.ToString()), .. check.Notes];
            if (!isDryRun && problems.Count == 0 && await TakeAsync(next, changes.Count > 0, confirmWithin).ConfigureAwait(false) is { } failure)
            {
                problems.Add(failure);
            }

            return new ReloadResult(changes, problems, notes, !isDryRun && problems.Count == 0, ConfirmBy);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The config in force stays.</summary>
    /// <returns>False: nothing waited for it.</returns>
    /// <exception cref="IOException">The state directory cannot be written; it still waits.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public async Task<bool> ConfirmAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_wait is null)
            {
                return false;
            }

            _file.Save(null);
            Settle();
            await TellSettledAsync().ConfigureAwait(false);
            return true;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        _wait?.Timer.Dispose();
        _wait = null;
        _turn.Release();
    }

    /// <returns>Null, or why everything is as it was.</returns>
    private async Task<string?> TakeAsync(ConfigText next, bool isChanged, TimeSpan? confirmWithin)
    {
        UnconfirmedFile.Record? before = _record;
        bool isWayBack = ConfigDifference.Between(_confirmed.Config, next.Config).Count == 0;
        bool waits = !isWayBack && (_wait is not null || (confirmWithin is not null && isChanged));
        try
        {
            if (waits)
            {
                // First: a daemon that dies in the middle comes up with what was confirmed.
                Write(new UnconfirmedFile.Record(next.Config.Path, _confirmed.Text, next.Text));
            }

            if (isChanged)
            {
                await _apply(next.Config, !waits).ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // Whatever it is: everything is as it was, and who asked is told.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            TryWrite(before);
            return failure.Message;
        }

        _inForce = next;
        if (!waits)
        {
            TryForget();
            Settle();
        }
        else if (_wait is null || confirmWithin is not null)
        {
            Await(confirmWithin!.Value);
        }

        return null;
    }

    private void Settle()
    {
        _wait?.Timer.Dispose();
        _wait = null;
        _confirmed = _inForce;
        Volatile.Write(ref _record, null);
    }

    private async Task TellSettledAsync()
    {
        try
        {
            await _apply(_confirmed.Config, true).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever it is: the config is in force and confirmed; what is forgotten by it is so with the next reload or start.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    private void Await(TimeSpan time)
    {
        _wait?.Timer.Dispose();
        Wait wait = new(_clock.GetUtcNow() + time);
        _wait = wait;
        wait.Timer = _clock.CreateTimer(_ => _ = RollBackAsync(wait), null, time, Timeout.InfiniteTimeSpan);
    }

    private async Task RollBackAsync(Wait wait)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_wait != wait)
            {
                return;
            }

            IReadOnlyList<ConfigChange> undone = ConfigDifference.Between(_inForce.Config, _confirmed.Config);
            string? failure = await TryGoBackAsync(wait).ConfigureAwait(false);
            RolledBack?.Invoke(undone, failure);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<string?> TryGoBackAsync(Wait wait)
    {
        try
        {
            await _apply(_confirmed.Config, true).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever it is: the way back is tried until it is gone.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _ = wait.Timer.Change(RetryTime, Timeout.InfiniteTimeSpan);
            return failure.Message;
        }

        // The record stays: it says that the file is not to be taken by the next start.
        wait.Timer.Dispose();
        _inForce = _confirmed;
        _wait = null;
        return null;
    }

    private void Write(UnconfirmedFile.Record? record)
    {
        _file.Save(record);
        Volatile.Write(ref _record, record);
    }

    private void TryWrite(UnconfirmedFile.Record? record)
    {
        try
        {
            Write(record);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What is there errs on the safe side: at most a start takes the confirmed config once more.
        }
    }

    private void TryForget() => TryWrite(null);

    private sealed class Wait(DateTimeOffset by)
    {
        /// <summary>When the config goes back.</summary>
        public DateTimeOffset By { get; } = by;

        public ITimer Timer { get; set; } = null!;
    }
}
