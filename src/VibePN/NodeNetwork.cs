using VibePN.Config;
using VibePN.Identity;
using VibePN.Peers;
using VibePN.Routing;

namespace VibePN;

/// <summary>A network this node is in, with its own routing. Thread: the node's.</summary>
internal sealed class NodeNetwork
{
    /// <summary>Moves to another automatic address in one life of the process: a peer that calls every address taken gets no further.</summary>
    private const int MaxMoves = 32;

    private readonly PeerId _self;
    private readonly AddressBook _book = new();
    private readonly uint[] _counters;
    private int _moves;
    private int _builtVersion = -1;

    /// <param name="index">Its place in the config, by which the rest of the node knows it.</param>
    /// <param name="memory">Of a former life, or null.</param>
    public NodeNetwork(NetworkConfig config, PeerId self, int index, int interfaceIndex, NodeNetworkMemory? memory, Func<PeerId, bool> isKnown)
    {
        Config = config;
        Index = index;
        InterfaceIndex = interfaceIndex;
        Prefixes = [.. config.Prefixes.Select(Prefix.FromIPNetwork)];
        _self = self;
        _counters = [.. Prefixes.Select(prefix => memory?.Counters.GetValueOrDefault(prefix) ?? 0)];
        _book.Load(memory?.Owners ?? [], isKnown);
        OwnAddresses = [.. Prefixes.Select((_, i) => OwnAddress(i))];
        Routes = new RouteTable(Prefixes, _book, config.AcceptRoutes) { OwnAddresses = OwnAddresses };
    }

    public NetworkConfig Config { get; }

    public string Name => Config.Name;

    public int Index { get; }

    public int InterfaceIndex { get; }

    public IReadOnlyList<Prefix> Prefixes { get; }

    /// <summary>One per prefix.</summary>
    public IReadOnlyList<IpKey> OwnAddresses { get; private set; }

    /// <summary>Grows with everything that <see cref="Memory"/> holds.</summary>
    public int MemoryVersion => _book.Version + _moves;

    /// <summary>What to remember of this network.</summary>
    public NodeNetworkMemory Memory => new(
        Name,
        Enumerable.Range(0, Prefixes.Count).Where(IsAutomatic).ToDictionary(i => Prefixes[i], i => _counters[i]),
        [.. _book.Owners]);

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

    /// <summary>Whether <paramref name="address"/> is our own and not ours by configuration.</summary>
    public bool IsAutomatic(IpKey address) => OwnAddresses.Select((own, i) => own == address && IsAutomatic(i)).Contains(true);

    /// <summary>Leaves an automatic address to its other owner and takes the next candidate that nobody is known to have.</summary>
    /// <returns>False: it stays, since it is configured, is not ours any more, or there were too many moves.</returns>
    public bool MoveFrom(IpKey address, long nowUtcSeconds)
    {
        var index = OwnAddresses.ToList().IndexOf(address);
        if (index < 0 || !IsAutomatic(index) || _moves == MaxMoves)
        {
            return false;
        }

        IpKey next;
        do
        {
            _counters[index]++;
            next = OwnAddress(index);
            _moves++;
        }
        while (_moves < MaxMoves && (next == address || _book.HeldByAnother(next, _self, nowUtcSeconds) is not null));

        OwnAddresses = [.. OwnAddresses.Select((own, i) => i == index ? next : own)];
        Routes.OwnAddresses = OwnAddresses;
        return true;
    }

    private bool IsAutomatic(int index) => Config.Addresses[index] is null;

    private IpKey OwnAddress(int index) => Config.Addresses[index] is { } configured
        ? IpKey.FromIPAddress(configured)
        : IpKey.FromIPAddress(AutoAddress.Next(Name, Config.Prefixes[index], _self, ref _counters[index]));
}
