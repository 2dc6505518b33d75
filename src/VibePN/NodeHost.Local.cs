// What the host reaches by itself: routes of the main table by interfaces that are not ours. Learned routes leave it alone.
using VibePN.Linux;
using VibePN.Routing;

namespace VibePN;

public sealed partial class NodeHost
{
    /// <summary>Beyond it only links count: a router's whole table is no business of ours.</summary>
    private const int MaxLocalRoutes = 1024;

    /// <summary><c>rtm_protocol</c> of what the kernel makes for an address of the host.</summary>
    private const byte KernelProtocol = 2;

    /// <summary>Likewise for a prefix that a router advertised as on the link.</summary>
    private const byte AdvertisedProtocol = 9;

    /// <summary>Changes come in groups, on a router by the thousand: the host is looked at once for all that come within this time.</summary>
    private static readonly TimeSpan LocalDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>1: the host is to be looked at soon.</summary>
    private int _isLookDue;

    /// <summary>What the node was last told.</summary>
    private IReadOnlyList<LocalPrefix>? _local;

    /// <summary>The kernel says that something changed. For any thread.</summary>
    private void LookAtLocal()
    {
        if (Interlocked.Exchange(ref _isLookDue, 1) == 1)
        {
            return;
        }

        _ = Task.Run(async () =>
        {
            await Task.Delay(LocalDelay, TimeProvider.System).ConfigureAwait(false);
            Volatile.Write(ref _isLookDue, 0);
            InTurn(() => _ = TellLocalAsync());
        });
    }

    /// <summary>The host's links or routes may have changed. In turn.</summary>
    private async Task TellLocalAsync()
    {
        IReadOnlyList<LocalPrefix> local;
        try
        {
            local = ReadLocal(_hostNetwork, _tuns.Values.Select(tun => tun.InterfaceIndex).ToHashSet());
        }
        catch (LinuxException failure)
        {
            Log.HostNetworkFailed(_logger, failure.Message);
            return;
        }

        if (_local is { } before && before.SequenceEqual(local))
        {
            return;
        }

        _local = local;
        try
        {
            await _loop.InvokeAsync(node =>
            {
                node.OnLocalPrefixes(local, NodeLoop.Now());
                return 0;
            }).ConfigureAwait(false);
        }
        catch (InvalidOperationException)
        {
            // The loop has ended meanwhile.
        }
    }

    /// <exception cref="LinuxException"/>
    private static IReadOnlyList<LocalPrefix> ReadLocal(HostNetwork host, HashSet<int> ownInterfaces)
    {
        var names = new Dictionary<int, string>();
        return
        [
            .. host.Routes()
                .Where(route => !route.IsGuarded && route.Destination.PrefixLength > 0 && !ownInterfaces.Contains(route.InterfaceIndex)
                    && !route.Destination.BaseAddress.IsIPv6LinkLocal && !route.Destination.BaseAddress.IsIPv6Multicast)
                .Select(route => (Route: route, IsOnLink: route is { Gateway: null, InterfaceIndex: > 0, Protocol: KernelProtocol or AdvertisedProtocol }))
                .OrderByDescending(one => one.IsOnLink)
                .Take(MaxLocalRoutes)
                .Select(one => new LocalPrefix(Prefix.FromIPNetwork(one.Route.Destination), NameOf(one.Route.InterfaceIndex), one.IsOnLink))
                .Distinct()
                .OrderBy(local => local.Prefix),
        ];

        string NameOf(int index)
        {
            if (!names.TryGetValue(index, out var name))
            {
                names[index] = name = host.InterfaceName(index) ?? "several routers";
            }

            return name;
        }
    }
}
