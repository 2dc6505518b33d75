using Microsoft.Extensions.Hosting;

namespace VibePN.Cli.Daemon;

/// <summary>The daemon handles signals itself: it says goodbye first.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
