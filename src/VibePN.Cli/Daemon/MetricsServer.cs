using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using VibePN.Metrics;

namespace VibePN.Cli.Daemon;

/// <summary>The metrics address: HTTP/1.1 over TCP, for reading only, for whoever can reach it.</summary>
internal sealed partial class MetricsServer : IAsyncDisposable
{
    private const int MaxConnections = 32;
    private const int MaxHeaderBytes = 8 * 1024;
    private const int MaxRequestLineBytes = 2 * 1024;
    private const string NothingAllowed = "default-src 'none'; frame-ancestors 'none'";
    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>A whole request has to be there by then.</summary>
    private static readonly TimeSpan HeaderTime = TimeSpan.FromSeconds(5);

    /// <summary>Longer than Prometheus' usual interval of a minute.</summary>
    private static readonly TimeSpan KeepAliveTime = TimeSpan.FromSeconds(75);

    private readonly WebApplication _app;
    private readonly MetricsSource _source;
    private readonly ILogger _logger;

    private MetricsServer(IPEndPoint endPoint, MetricsSource source, ILogger logger)
    {
        EndPoint = endPoint;
        _source = source;
        _logger = logger;
        _app = WebServer.Build(HandleAsync, kestrel =>
        {
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
            kestrel.Limits.MaxRequestLineSize = MaxRequestLineBytes;
            kestrel.Limits.RequestHeadersTimeout = HeaderTime;
            kestrel.Limits.KeepAliveTimeout = KeepAliveTime;
            kestrel.Listen(endPoint, listen => listen.Protocols = HttpProtocols.Http1);
        });
    }

    /// <summary>As bound.</summary>
    public IPEndPoint EndPoint { get; private set; }

    /// <exception cref="IOException">The address is in use, is not this host's, or may not be used.</exception>
    public static async Task<MetricsServer> StartAsync(IPEndPoint endPoint, MetricsSource source, ILogger logger)
    {
        MetricsServer server = new(endPoint, source, logger);
        try
        {
            await server._app.StartAsync();
        }
        catch
        {
            await server._app.DisposeAsync();
            throw;
        }

        string bound = server._app.Urls.First();
        server.EndPoint = new IPEndPoint(endPoint.Address, new Uri(bound).Port);
        return server;
    }

    public ValueTask DisposeAsync() => WebServer.StopAsync(_app);

    private async Task HandleAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        try
        {
            IPAddress? local = context.Connection.LocalIpAddress;
            if (!HostHeader.MeansThisHost(request.Host.Host, local, Environment.MachineName))
            {
                IPAddress? plain = local is { IsIPv4MappedToIPv6: true } ? local.MapToIPv4() : local;
                await AnswerAsync(context, StatusCodes.Status403Forbidden, $"Refused: ask for {plain}, localhost or {Environment.MachineName}; other host names are not answered (DNS rebinding).\n");
            }
            else if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
            {
                context.Response.Headers.Allow = "GET, HEAD";
                await AnswerAsync(context, StatusCodes.Status405MethodNotAllowed, "Nothing can be changed here: GET and HEAD only.\n");
            }
            else
            {
                await (request.Path.Value switch
                {
                    "/" when PageIsWanted(request) => AnswerPageAsync(context),
                    "/events" => ServeEventsAsync(context),
                    "/" => AnswerAsync(context, StatusCodes.Status200OK, $"VibePN on {_source.NodeName}\n/  in a browser: the mesh, live\n/metrics  for Prometheus\n"),
                    "/metrics" => AnswerAsync(context, StatusCodes.Status200OK, await _source.TextAsync(), PrometheusText.ContentType),
                    _ => AnswerAsync(context, StatusCodes.Status404NotFound, "There is nothing here; / says what there is.\n"),
                });
            }
        }
        catch (Exception failure) when (!context.RequestAborted.IsCancellationRequested)
        {
            Log.MetricsRequestFailed(_logger, failure);
            if (!context.Response.HasStarted)
            {
                await AnswerAsync(context, StatusCodes.Status500InternalServerError, "This failed; the daemon's log says why.\n");
            }
        }
    }

    private static Task AnswerAsync(HttpContext context, int status, string text) => AnswerAsync(context, status, Encoding.UTF8.GetBytes(text), PlainText);

    private static async Task AnswerAsync(HttpContext context, int status, ReadOnlyMemory<byte> body, string type)
    {
        HttpResponse response = context.Response;
        response.StatusCode = status;
        response.ContentType = type;
        response.ContentLength = body.Length;
        Protect(response, NothingAllowed);
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private static void Protect(HttpResponse response, string policy)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.XFrameOptions = "DENY";
        response.Headers.ContentSecurityPolicy = policy;
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
    }
}
