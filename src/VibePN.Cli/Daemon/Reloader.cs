using Microsoft.Extensions.Logging;
using VibePN.Api;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Cli.Daemon;

/// <summary>Reloads for whoever asks for them, by the API or by a signal; each change is in the log with who asked.</summary>
internal sealed class Reloader : IAsyncDisposable
{
    private const double LongestWaitSeconds = 86_400;

    private readonly NodeHost _host;
    private readonly MetricsAddress _metrics;
    private readonly MetricsPush _push;
    private readonly PeerId _id;
    private readonly ILogger _logger;
    private readonly ConfigInForce _inForce;

    /// <param name="host">Runs on <paramref name="start"/>.</param>
    /// <param name="metrics">Likewise.</param>
    /// <param name="push">Likewise.</param>
    /// <param name="id">The running identity.</param>
    /// <param name="record">See <see cref="UnconfirmedFile.Choose"/>.</param>
    public Reloader(NodeHost host, MetricsAddress metrics, MetricsPush push, PeerId id, ConfigText start, UnconfirmedFile.Record? record, TimeProvider clock, ILogger logger)
    {
        _host = host;
        _metrics = metrics;
        _push = push;
        _id = id;
        _logger = logger;
        _inForce = new ConfigInForce(start, record, ApplyAsync, CheckAsync, clock);
        _inForce.RolledBack += OnRolledBack;
    }

    public DateTimeOffset? ConfirmBy => _inForce.ConfirmBy;

    public IReadOnlyList<string> Warnings => _inForce.IsFileRejected
        ? [$"{_host.Config.Path} is not in use: nobody confirmed it ('vibepn reload' takes it into use again; edit it first if it was wrong)"]
        : [];

    /// <param name="caller">For the log.</param>
    /// <exception cref="RequestException">The request makes no sense, or the config is wrong or cannot be taken into use; nothing has changed.</exception>
    public async Task<ReloadDto> ReloadAsync(ReloadRequestDto request, string caller)
    {
        if (request.ConfirmWithinSeconds is { } given and not (>= 1 and <= LongestWaitSeconds))
        {
            throw new RequestException(400, $"confirmWithinSeconds must be from 1 to {LongestWaitSeconds}, not {given}");
        }

        string path = _host.Config.Path;
        if (request.Config is { } meant && meant != path)
        {
            throw new RequestException(409, $"this daemon runs on {path}, not on {meant}; nothing was changed");
        }

        if (request.DryRun)
        {
            return await ReloadNowAsync(request, caller);
        }

        SystemdNotifier.Reloading();
        try
        {
            return await ReloadNowAsync(request, caller);
        }
        finally
        {
            SystemdNotifier.Ready();
        }
    }

    public async Task<ConfirmDto> ConfirmAsync(string caller)
    {
        bool confirmed = await _inForce.ConfirmAsync();
        if (confirmed)
        {
            Log.Confirmed(_logger, caller);
        }

        return new ConfirmDto { Confirmed = confirmed };
    }

    /// <summary>As SIGHUP asks for it: whatever comes of it is in the log.</summary>
    public async Task ReloadBySignalAsync()
    {
        try
        {
            _ = await ReloadAsync(new ReloadRequestDto(), "SIGHUP");
        }
        catch (RequestException)
        {
            // It was logged.
        }
    }

    public ValueTask DisposeAsync() => _inForce.DisposeAsync();

    private async Task<ReloadDto> ReloadNowAsync(ReloadRequestDto request, string caller)
    {
        string path = _host.Config.Path;
        TimeSpan? wait = request.ConfirmWithinSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        try
        {
            if (!request.DryRun)
            {
                // First: whoever is dialed by the new config may have to be shown one.
                await _host.TakeJoinsAsync();
            }

            ReloadResult result = await _inForce.ReloadAsync(request.DryRun, wait);
            if (!request.DryRun && result.Problems.Count > 0)
            {
                throw Refused(result.Problems, caller);
            }

            if (!request.DryRun)
            {
                LogChanges(result, caller);
                await TakeKeyAsync(caller);
            }

            return ReloadDto.Of(result, path, request.DryRun);
        }
        catch (ConfigException failure) when (request.DryRun)
        {
            throw new RequestException(422, string.Join('\n', failure.Errors));
        }
        catch (ConfigException failure)
        {
            throw Refused([.. failure.Errors.Select(error => error.ToString())], caller);
        }
    }

    private RequestException Refused(IReadOnlyList<string> reasons, string caller)
    {
        foreach (string reason in reasons)
        {
            Log.ReloadRefused(_logger, caller, reason);
        }

        return new RequestException(422, string.Join('\n', reasons.Append("nothing was changed")));
    }

    /// <summary>A successor of the running key, made by 'vibepn rotate-key'. Anything else was noted by the check, and waits for a restart.</summary>
    private async Task TakeKeyAsync(string caller)
    {
        try
        {
            NodeIdentity identity = NodeIdentity.Load(_host.Config.Identity);
            if (identity.Id == _id && await _host.ChangeKeyAsync(identity))
            {
                Log.KeyChanged(_logger, caller, identity.Lineage.Current.ToString());
            }
        }
        catch (IdentityException failure)
        {
            Log.ConfigWarning(_logger, failure.Message);
        }
    }

    private void LogChanges(ReloadResult result, string caller)
    {
        foreach (ConfigChange change in result.Changes)
        {
            Log.ConfigChanged(_logger, caller, change.ToString());
        }

        if (result.Changes.Count == 0)
        {
            Log.ConfigUnchanged(_logger, caller);
        }

        foreach (string note in result.Notes)
        {
            Log.ConfigWarning(_logger, note);
        }

        if (result.ConfirmBy is { } by)
        {
            Log.ConfirmationDue(_logger, by);
        }
    }

    private void OnRolledBack(IReadOnlyList<ConfigChange> undone, string? failure)
    {
        if (failure is not null)
        {
            Log.RollbackFailed(_logger, failure);
            return;
        }

        foreach (ConfigChange change in undone)
        {
            Log.RolledBack(_logger, change.ToString());
        }
    }

    /// <summary>
    /// All that the daemon makes of a config. The metrics address comes last, and never fails: the check has looked at it before, and a way back
    /// must not end there.
    /// </summary>
    private async Task ApplyAsync(NodeConfig config, bool isForGood)
    {
        await _host.ApplyAsync(config, isForGood);
        await _metrics.ServeAsync(config.Node.Metrics);
        await _push.SendToAsync(config.Node.Otlp);
    }

    /// <summary>The identity is taken at the start only: with another one every peer that pins it would be lost in the same moment.</summary>
    private async Task<ConfigCheck> CheckAsync(NodeConfig config)
    {
        List<string> problems = [.. await _host.CheckAsync(config)];
        if (_metrics.Check(config.Node.Metrics) is { } problem)
        {
            problems.Add(problem);
        }

        List<string> notes = [];
        bool isOtherPath = config.Identity != _host.Config.Identity;
        try
        {
            PeerId id = NodeIdentity.Load(config.Identity).Id;
            if (id != _id)
            {
                string text = $"{config.Identity.CertPath} has the fingerprint {id}, this daemon runs with {_id}: the identity changes with a restart only";
                (isOtherPath ? problems : notes).Add(text);
            }
        }
        catch (IdentityException failure)
        {
            (isOtherPath ? problems : notes).Add(isOtherPath ? failure.Message : $"the next start will fail: {failure.Message}");
        }

        return new ConfigCheck(problems, notes);
    }
}
