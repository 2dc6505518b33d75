using Microsoft.AspNetCore.Http;
using VibePN.Metrics;

namespace VibePN.Cli.Daemon;

/// <summary>The web page, and the events that keep it up to date.</summary>
internal sealed partial class MetricsServer
{
    /// <summary>Of those who look at the page; each costs a connection, and Prometheus needs one too.</summary>
    private const int MaxViewers = 8;

    /// <summary>Whoever does not take an event in this time is dropped.</summary>
    private static readonly TimeSpan SlowTime = TimeSpan.FromSeconds(5);

    /// <summary>More than a frame is left of its second: so everybody wakes when there is another.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(5);

    private readonly PageViewers _viewers = new(MaxViewers);

    /// <summary>Browsers say that they take HTML and gzip; what does not is answered in plain text.</summary>
    private static bool PageIsWanted(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase) &&
        request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);

    private static async Task AnswerPageAsync(HttpContext context)
    {
        // Read each time: it is asked for by people, and the memory is not held.
        byte[] body = PageFile.ReadPacked();
        HttpResponse response = context.Response;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = body.Length;
        response.Headers.ContentEncoding = "gzip";
        response.Headers.Vary = "Accept, Accept-Encoding";
        Protect(response, PageFile.ReadPolicy());
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private async Task ServeEventsAsync(HttpContext context)
    {
        if (context.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "none" or "same-origin"))
        {
            await AnswerAsync(context, StatusCodes.Status403Forbidden, "Refused: only the page of this address may ask for events.\n");
            return;
        }

        using IDisposable? place = _viewers.TryEnter();
        if (place is null)
        {
            context.Response.Headers.RetryAfter = "10";
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, $"{MaxViewers} look at the page already; close one of them.\n");
            return;
        }

        context.Response.ContentType = "text/event-stream; charset=utf-8";
        Protect(context.Response, NothingAllowed);
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        try
        {
            await SendEventsAsync(context);
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            // Gone, or too slow.
            context.Abort();
        }
    }

    private async Task SendEventsAsync(HttpContext context)
    {
        byte[]? routes = null;
        while (true)
        {
            PageFrame frame = await _source.FrameAsync();
            using (CancellationTokenSource slow = new(SlowTime, _source.Clock))
            using (CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(slow.Token, context.RequestAborted))
            {
                if (!ReferenceEquals(routes, frame.Routes))
                {
                    routes = frame.Routes;
                    await context.Response.Body.WriteAsync(routes, end.Token);
                }

                await context.Response.Body.WriteAsync(frame.Node, end.Token);
                await context.Response.Body.FlushAsync(end.Token);
            }

            await Task.Delay(frame.Left > TimeSpan.Zero ? frame.Left + Margin : Margin, _source.Clock, context.RequestAborted);
        }
    }
}
