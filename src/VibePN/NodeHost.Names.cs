// Host names of peers: resolved beside the loop, which is told.
using System.Net;
using System.Net.Sockets;
using VibePN.Config;

namespace VibePN;

public sealed partial class NodeHost
{
    private static void ResolveInBackground(NodeLoop loop, string peer, IReadOnlyList<HostPort> names) => _ = ResolveAsync(loop, peer, names);

    private static async Task ResolveAsync(NodeLoop loop, string peer, IReadOnlyList<HostPort> names)
    {
        var answers = await Task.WhenAll(names.Select(ResolveOneAsync)).ConfigureAwait(false);
        IReadOnlyList<IPEndPoint> found = [.. answers.SelectMany(answer => answer.Found)];
        var error = string.Join("; ", answers.Select(answer => answer.Error).OfType<string>());
        try
        {
            await loop.InvokeAsync(node =>
            {
                node.OnResolved(peer, found, error.Length > 0 ? error : null, NodeLoop.Now());
                return 0;
            }).ConfigureAwait(false);
        }
        catch (InvalidOperationException)
        {
            // The loop has ended meanwhile: nobody waits for the answer.
        }
    }

    private static async Task<(IReadOnlyList<IPEndPoint> Found, string? Error)> ResolveOneAsync(HostPort name)
    {
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(name.Host).ConfigureAwait(false);
            return ([.. addresses.Select(one => new IPEndPoint(one, name.Port))], null);
        }
        catch (SocketException failure)
        {
            return ([], $"{name.Host} does not resolve: {failure.Message}");
        }
    }
}
