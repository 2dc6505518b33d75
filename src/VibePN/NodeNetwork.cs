using System.Net;
using VibePN.Config;
using VibePN.Identity;
using VibePN.Peers;
using VibePN.Routing;

namespace VibePN;

/// <summary>A network this node is in, with its own routing. Thread: the node's.</summary>
internal sealed class NodeNetwork
{
    private int _builtVersion = -1;

    /// <param name="index">Its place in the config, by which the rest of the node knows it.</param>
    public NodeNetwork(NetworkConfig config, PeerId self, int index, int interfaceIndex)
    {
        Config = config;
        Index = index;
        InterfaceIndex = interfaceIndex;
        Prefixes = [.. config.Prefixes.Select(Prefix.FromIPNetwork)];
        OwnAddresses = [.. config.Prefixes.Select((prefix, i) => OwnAddress(config, prefix, i, self))];
        Routes = new RouteTable(Prefixes, OwnAddresses, config.AcceptRoutes);
    }

    public NetworkConfig Config { get; }

    public string Name => Config.Name;

    public int Index { get; }

    public int InterfaceIndex { get; }

    public IReadOnlyList<Prefix> Prefixes { get; }

    /// <summary>One per prefix.</summary>
    public IReadOnlyList<IpKey> OwnAddresses { get; }

    public RouteTable Routes { get; }

    /// <summary>Who owns which destination, and so who may send from it.</summary>
    public ForwardingTable<Peer> Forwarding { get; private set; } = ForwardingTable<Peer>.Empty;

    public NodeCounters Counters { get; } = new();

    /// <summary>Bytes of the largest packet on the interface.</summary>
    public int MtuBytes => Config.Mtu ?? DefaultMtuBytes;

    /// <summary>What a path of 1,500 bytes carries with room to spare; used until a larger one is known.</summary>
    public const int DefaultMtuBytes = 1420;

    /// <summary>Takes changed routes into use.</summary>
    /// <returns>True when there were any.</returns>
    public bool RebuildForwarding(Func<PeerId, Peer?> find)
    {
        if (Routes.Version == _builtVersion)
        {
            return false;
        }

        _builtVersion = Routes.Version;
        Forwarding = Routes.Build(find);
        return true;
    }

    /// <summary>The own address of the family of <paramref name="address"/> (4 or 16 bytes), or null.</summary>
    public IpKey? OwnAddressLike(ReadOnlySpan<byte> address)
    {
        foreach (var own in OwnAddresses)
        {
            if (own.ByteCount == address.Length)
            {
                return own;
            }
        }

        return null;
    }

    private static IpKey OwnAddress(NetworkConfig config, IPNetwork prefix, int index, PeerId self)
    {
        if (config.Addresses[index] is { } configured)
        {
            return IpKey.FromIPAddress(configured);
        }

        uint counter = 0;
        return IpKey.FromIPAddress(AutoAddress.Next(config.Name, prefix, self, ref counter));
    }
}
