using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using VibePN.Api;
using VibePN.Config;

namespace VibePN.Cli.Daemon;

/// <summary>The local API: HTTP/1.1 and JSON on the Unix socket, for whoever may connect to it.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private const string PeerPath = "/v1/peers/";
    private const int MaxConnections = 64;
    private const int MaxBodyBytes = 64 * 1024;

    private readonly WebApplication _app;
    private readonly StatusSource _source;
    private readonly Reloader _reloader;
    private readonly InviteDesk _invites;
    private readonly CaptureDesk _captures;
    private readonly LogThreshold _threshold;
    private readonly Func<Task<int>> _goodbye;
    private readonly ILogger _logger;

    private ApiServer(SocketFile socket, StatusSource source, Reloader reloader, InviteDesk invites, CaptureDesk captures, LogThreshold threshold, Func<Task<int>> goodbye, ILogger logger)
    {
        _captures = captures;
        _source = source;
        _reloader = reloader;
        _invites = invites;
        _threshold = threshold;
        _goodbye = goodbye;
        _logger = logger;
        _app = WebServer.Build(HandleAsync, kestrel =>
        {
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.ListenUnixSocket(socket.Path);
        });
    }

    /// <param name="socket">Claimed, and not yet bound.</param>
    /// <param name="source">Answers.</param>
    /// <param name="reloader">Changes the config.</param>
    /// <param name="invites">Makes invites and removes who came by them.</param>
    /// <param name="captures">Shows packets.</param>
    /// <param name="threshold">What is logged.</param>
    /// <param name="goodbye">Takes leave of the peers; returns how many were told. The daemon ends after the answer has left.</param>
    /// <param name="logger">For changes and failures.</param>
    public static async Task<ApiServer> StartAsync(
        SocketFile socket, StatusSource source, Reloader reloader, InviteDesk invites, CaptureDesk captures, LogThreshold threshold, Func<Task<int>> goodbye, ILogger logger)
    {
        ApiServer server = new(socket, source, reloader, invites, captures, threshold, goodbye, logger);
        await server._app.StartAsync();
        socket.Share();
        return server;
    }

    public ValueTask DisposeAsync() => WebServer.StopAsync(_app);

    private async Task HandleAsync(HttpContext context)
    {
        try
        {
            await (context.Request.Path.Value switch
            {
                "/v1/status" => AnswerAsync(context, HttpMethods.Get, _source.StatusAsync, ApiJson.Readable.StatusDto),
                "/v1/peers" => AnswerAsync(context, HttpMethods.Get, _source.PeersAsync, ApiJson.Readable.PeersDto),
                { } path when path.StartsWith(PeerPath, StringComparison.Ordinal) && context.Request.Method == HttpMethods.Delete =>
                    AnswerAsync(context, HttpMethods.Delete, () => _invites.RemovePeerAsync(path[PeerPath.Length..], Caller(context)), ApiJson.Readable.RemovePeerDto),
                { } path when path.StartsWith(PeerPath, StringComparison.Ordinal) && context.Request.Method == HttpMethods.Post =>
                    AnswerAsync(context, HttpMethods.Post, () => _invites.LetPeerInAsync(path[PeerPath.Length..], Caller(context)), ApiJson.Readable.LetInDto),
                { } path when path.StartsWith(PeerPath, StringComparison.Ordinal) =>
                    AnswerAsync(context, HttpMethods.Get, () => PeerAsync(path[PeerPath.Length..]), ApiJson.Readable.PeerHistoryDto),
                "/v1/routes" => AnswerAsync(context, HttpMethods.Get, _source.RoutesAsync, ApiJson.Readable.RoutesDto),
                "/v1/goodbye" => AnswerAsync(context, HttpMethods.Post, () => GoodbyeAsync(context), ApiJson.Readable.GoodbyeDto),
                "/v1/reload" => AnswerAsync(context, HttpMethods.Post, () => ReloadAsync(context), ApiJson.Readable.ReloadDto),
                "/v1/invites" when context.Request.Method == HttpMethods.Post => AnswerAsync(context, HttpMethods.Post, () => InviteAsync(context), ApiJson.Readable.NewInviteDto),
                "/v1/invites" => AnswerAsync(context, HttpMethods.Get, _invites.ListAsync, ApiJson.Readable.InvitesDto),
                "/v1/invites/revoke" => AnswerAsync(context, HttpMethods.Post, () => RevokeInviteAsync(context), ApiJson.Readable.InviteDto),
                "/v1/capture" when context.Request.Method != HttpMethods.Get => RefuseMethodAsync(context, HttpMethods.Get),
                "/v1/capture" => _captures.ServeAsync(context, Caller(context)),
                "/v1/confirm" => AnswerAsync(context, HttpMethods.Post, () => _reloader.ConfirmAsync(Caller(context)), ApiJson.Readable.ConfirmDto),
                "/v1/log-level" when context.Request.Method == HttpMethods.Post => AnswerAsync(context, HttpMethods.Post, () => SetLogLevelAsync(context), ApiJson.Readable.LogLevelDto),
                "/v1/log-level" => AnswerAsync(context, HttpMethods.Get, () => Task.FromResult(LogLevelNow()), ApiJson.Readable.LogLevelDto),
                _ => RefuseAsync(context, StatusCodes.Status404NotFound, $"there is no {context.Request.Path}; this daemon is version {ProductVersion.Text}"),
            });
        }
        catch (RequestException refused) when (!context.Response.HasStarted)
        {
            await RefuseAsync(context, refused.Status, refused.Message);
        }
        catch (Exception failure) when (!context.RequestAborted.IsCancellationRequested)
        {
            Log.RequestFailed(_logger, context.Request.Path, failure);
            if (!context.Response.HasStarted)
            {
                await RefuseAsync(context, StatusCodes.Status500InternalServerError, failure.Message);
            }
        }
    }

    private static async Task AnswerAsync<T>(HttpContext context, string method, Func<Task<T>> ask, JsonTypeInfo<T> type)
    {
        if (context.Request.Method != method)
        {
            await RefuseMethodAsync(context, method);
            return;
        }

        await context.Response.WriteAsJsonAsync(await ask(), type);
    }

    private static Task RefuseMethodAsync(HttpContext context, string method)
    {
        context.Response.Headers.Allow = method;
        return RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, $"{context.Request.Path} takes {method}, not {context.Request.Method}");
    }

    private static string Caller(HttpContext context)
    {
        if (context.Features.Get<IConnectionSocketFeature>() is not { } feature)
        {
            return "somebody";
        }

        PeerCredentials who = PeerCredentials.Of(feature.Socket);
        return $"pid {who.Pid}, uid {who.Uid} ({Accounts.NameOfUser(who.Uid)})";
    }

    private async Task<PeerHistoryDto> PeerAsync(string name) => await _source.PeerAsync(name)
        ?? throw new RequestException(StatusCodes.Status404NotFound, $"there is no peer '{name}'; 'vibepn peers' lists them");

    private async Task<ReloadDto> ReloadAsync(HttpContext context)
    {
        ReloadRequestDto request = await ReadAsync(context, ApiJson.Default.ReloadRequestDto) ?? new ReloadRequestDto();
        return await _reloader.ReloadAsync(request, Caller(context));
    }

    private async Task<NewInviteDto> InviteAsync(HttpContext context) =>
        await _invites.MakeAsync(await ReadAsync(context, ApiJson.Default.InviteRequestDto) ?? new InviteRequestDto(), Caller(context));

    private async Task<InviteDto> RevokeInviteAsync(HttpContext context) =>
        await _invites.RevokeAsync(await ReadAsync(context, ApiJson.Default.RevokeInviteRequestDto) ?? new RevokeInviteRequestDto(), Caller(context));

    private LogLevelDto LogLevelNow() => new() { Level = LogLevels.NameOf(_threshold.Level), UntilUtc = _threshold.UntilUtc };

    private async Task<LogLevelDto> SetLogLevelAsync(HttpContext context)
    {
        LogLevelRequestDto request = await ReadAsync(context, ApiJson.Default.LogLevelRequestDto) ?? new LogLevelRequestDto();
        if (LogLevels.Parse(request.Level) is not { } level)
        {
            throw new RequestException(StatusCodes.Status400BadRequest, $"'{request.Level}' is no level: {string.Join(", ", LogLevels.Names)}");
        }

        if (request.ForSeconds is { } seconds && !(seconds > 0 && seconds <= LogLevels.MaxTime.TotalSeconds))
        {
            throw new RequestException(StatusCodes.Status400BadRequest, $"forSeconds is more than 0 and at most {LogLevels.MaxTime.TotalSeconds:0}");
        }

        // Told under the more talkative of the two.
        bool isQuieter = level > _threshold.Level;
        if (isQuieter)
        {
            Log.LogLevelChanged(_logger, LogLevels.NameOf(level), Caller(context));
        }

        _threshold.Set(level, request.ForSeconds is { } time ? TimeSpan.FromSeconds(time) : null);
        if (!isQuieter)
        {
            Log.LogLevelChanged(_logger, LogLevels.NameOf(level), Caller(context));
        }

        return LogLevelNow();
    }

    /// <summary>The request's body; null: there is none.</summary>
    private static async Task<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        if (context.Request.ContentLength is 0 or null && context.Request.Headers.TransferEncoding.Count == 0)
        {
            return null;
        }

        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted);
        }
        catch (JsonException failure)
        {
            throw new RequestException(StatusCodes.Status400BadRequest, $"the body is no {context.Request.Path} request: {failure.Message}");
        }
    }

    private async Task<GoodbyeDto> GoodbyeAsync(HttpContext context)
    {
        Log.ChangeAsked(_logger, "goodbye", Caller(context));
        return new GoodbyeDto { PeersTold = await _goodbye() };
    }

    private static Task RefuseAsync(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new ErrorDto { Error = error }, ApiJson.Readable.ErrorDto);
    }
}
