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

    /// <summary>Per prefix, of the present and of the past: the candidate that an automatic address stands at.</summary>
    private readonly Dictionary<Prefix, uint> _counters;
    private readonly Dictionary<PeerId, AnnouncedRoutes> _announced = [];
    private IReadOnlySet<IpKey> _reserved;
    private int _followedMtuBytes = DefaultMtuBytes;
    private int _moves;
    private int _changes;
    private int _builtVersion = -1;

    /// <param name="index">By which the rest of the node knows it; no other network of this process ever has it.</param>
    /// <param name="memory">Of a former life, or null.</param>
    /// <param name="reserved">Addresses that entries of peers list.</param>
    public NodeNetwork(
        NetworkConfig config,
        PeerId self,
        int index,
        int interfaceIndex,
        NodeNetworkMemory? memory,
        IReadOnlySet<IpKey> reserved,
        Func<PeerId, bool> isKnown,
        RoutePaths paths)
    {
        Config = config;
        Index = index;
        InterfaceIndex = interfaceIndex;
        _self = self;
        _reserved = reserved;
        _counters = memory?.Counters.ToDictionary() ?? [];
        _book.Load(memory?.Owners ?? [], isKnown);
        Prefixes = [.. config.Prefixes.Select(Prefix.FromIPNetwork)];
        OwnAddresses = [.. Prefixes.Select((_, i) => OwnAddress(i))];
        Routes = new RouteTable(Prefixes, _book, config.AcceptRoutes, paths);
        ConfigureRoutes();
    }

    public NetworkConfig Config { get; private set; }

    public string Name => Config.Name;

    public int Index { get; }

    public int InterfaceIndex { get; }

    public IReadOnlyList<Prefix> Prefixes { get; private set; }

    /// <summary>One per prefix.</summary>
    public IReadOnlyList<IpKey> OwnAddresses { get; private set; }

    /// <summary>What this node announces beside its addresses.</summary>
    public IReadOnlyList<Prefix> OwnRoutes => Config.Export ? [.. Config.Routes.Select(Prefix.FromIPNetwork)] : [];

    /// <summary>What peers announced; made with the first announcement.</summary>
    public Dictionary<PeerId, AnnouncedRoutes> Announced => _announced;

    /// <summary>Grows with everything that <see cref="Memory"/> holds.</summary>
    public int MemoryVersion => _book.Version + _moves + _changes;

    /// <summary>What to remember of this network.</summary>
    public NodeNetworkMemory Memory => new(
        Name,
        Enumerable.Range(0, Prefixes.Count).Where(IsAutomatic).ToDictionary(i => Prefixes[i], i => _counters.GetValueOrDefault(Prefixes[i])),
        [.. _book.Owners]);

    public RouteTable Routes { get; }

    /// <summary>Who owns which destination, and so who may send from it.</summary>
    public ForwardingTable<Peer> Forwarding { get; private set; } = ForwardingTable<Peer>.Empty;

    public NodeCounters Counters { get; } = new();

    /// <summary>Bytes of the largest packet on the interface.</summary>
    public int MtuBytes => Config.Mtu ?? _followedMtuBytes;

    /// <summary>What a path of 1,500 bytes carries with room to spare; used until a peer's is known.</summary>
    public const int DefaultMtuBytes = 1420;

    /// <summary>An interface with less has no IPv6 (RFC 8200 §5).</summary>
    private const int MinMtuBytes = 1280;

    /// <summary>Takes a changed table of the config, and what the peers' entries list now. Claims are judged with their next change.</summary>
    /// <returns>True when peers or the host have to learn of it; announced routes are not meant.</returns>
    public bool Configure(NetworkConfig config, IReadOnlySet<IpKey> reserved)
    {
        var before = (Config.Mtu, Config.AcceptRoutes);
        IReadOnlyList<Prefix> prefixes = [.. config.Prefixes.Select(Prefix.FromIPNetwork)];
        var isSame = before == (config.Mtu, config.AcceptRoutes) && prefixes.SequenceEqual(Prefixes) && reserved.SetEquals(_reserved);
        var own = OwnAddresses;
        Config = config;
        Prefixes = prefixes;
        _reserved = reserved;
        OwnAddresses = [.. Prefixes.Select((_, i) => OwnAddress(i))];
        if (isSame && own.SequenceEqual(OwnAddresses))
        {
            return false;
        }

        _changes++;
        ConfigureRoutes();
        return true;
    }

    /// <summary>The interface carries what the best of the peers does, unless the config says otherwise.</summary>
    /// <param name="largestBytes">0: no peer's is known.</param>
    public void Follow(int largestBytes) => _followedMtuBytes = largestBytes == 0 ? _followedMtuBytes : Math.Max(largestBytes, MinMtuBytes);

    /// <summary>The network is no longer in the config: nobody owns anything in it. Its index stays taken.</summary>
    public void Retire(long nowUtcSeconds)
    {
        foreach (var peer in Routes.Routes.Select(route => route.Peer).Distinct().ToList())
        {
            Routes.Forget(peer, nowUtcSeconds);
        }

        _announced.Clear();
        Forwarding = ForwardingTable<Peer>.Empty;
        OwnAddresses = [];
        Prefixes = [];
    }

    /// <summary>What a peer announced so far, to be changed.</summary>
    public AnnouncedRoutes AnnouncedBy(PeerId peer)
    {
        if (!_announced.TryGetValue(peer, out var routes))
        {
            _announced[peer] = routes = new AnnouncedRoutes();
        }

        return routes;
    }

    /// <summary>A peer has left the network, or is gone.</summary>
    public void ForgetAnnounced(PeerId peer) => _announced.Remove(peer);

    /// <summary>A peer is no longer in the config.</summary>
    public void Forget(PeerId peer, long nowUtcSeconds)
    {
        _announced.Remove(peer);
        _book.Forget(peer);
        Routes.Forget(peer, nowUtcSeconds);
    }

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

        var prefix = Prefixes[index];
        IpKey next;
        do
        {
            _counters[prefix] = _counters.GetValueOrDefault(prefix) + 1;
            next = OwnAddress(index);
            _moves++;
        }
        while (_moves < MaxMoves && (next == address || _book.HeldByAnother(next, _self, nowUtcSeconds) is not null));

        OwnAddresses = [.. OwnAddresses.Select((own, i) => i == index ? next : own)];
        ConfigureRoutes();
        Routes.Judge(nowUtcSeconds);
        return true;
    }

    private void ConfigureRoutes() => Routes.Configure(Prefixes, OwnAddresses, _reserved, Config.AcceptRoutes);

    private bool IsAutomatic(int index) => Config.Addresses[index] is null;

    /// <summary>As configured, else the first candidate from where the counter stands that is not kept for a peer.</summary>
    private IpKey OwnAddress(int index)
    {
        if (Config.Addresses[index] is { } configured)
        {
            return IpKey.FromIPAddress(configured);
        }

        var prefix = Prefixes[index];
        var counter = _counters.GetValueOrDefault(prefix);
        var first = counter;
        var address = Candidate();
        while (_reserved.Contains(address) && counter - first < MaxMoves)
        {
            counter++;
            address = Candidate();
        }

        _counters[prefix] = counter;
        return address;

        IpKey Candidate() => IpKey.FromIPAddress(AutoAddress.Next(Name, Config.Prefixes[index], _self, ref counter));
    }
}
