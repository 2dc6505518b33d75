using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace VibePN.Cli.Daemon;

/// <summary>What the local API and the metrics address have in common: Kestrel, one handler, and no lifetime of its own.</summary>
internal static class WebServer
{
    private static readonly TimeSpan StopTime = TimeSpan.FromMilliseconds(200);

    public static WebApplication Build(RequestDelegate handle, Action<KestrelServerOptions> configure)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        _ = builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            configure(kestrel);
        });
        _ = builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        WebApplication app = builder.Build();
        app.Run(handle);
        return app;
    }

    /// <summary>Watchers keep their connections open; they are not waited for.</summary>
    public static async ValueTask StopAsync(WebApplication app)
    {
        using CancellationTokenSource now = new(StopTime);
        try
        {
            await app.StopAsync(now.Token);
        }
        catch (OperationCanceledException)
        {
        }

        await app.DisposeAsync();
    }
}
