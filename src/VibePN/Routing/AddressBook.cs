namespace VibePN.Routing;

/// <summary>One remembered owner of an address.</summary>
/// <param name="LastSeenUtcSeconds">When it was last known to use the address.</param>
public readonly record struct AddressOwner(IpKey Address, PeerId Peer, long LastSeenUtcSeconds);

/// <summary>
/// Who had which address of a network: an address stays its owner's for <see cref="MemorySeconds"/> after it was last seen, so that a
/// peer that is away finds its address free when it comes back. Bounded by the configured peers' shares. Thread: the node's.
/// </summary>
internal sealed class AddressBook
{
    /// <summary>30 days (docs/protocol.md, Ownership).</summary>
    public const long MemorySeconds = 30L * 24 * 3600;

    private readonly Dictionary<IpKey, AddressOwner> _owners = [];

    /// <summary>Grows with every change that is worth writing down.</summary>
    public int Version { get; private set; }

    public IEnumerable<AddressOwner> Owners => _owners.Values.OrderBy(owner => owner.Address);

    /// <summary>The other peer that still has a right to the address, or null.</summary>
    public PeerId? HeldByAnother(IpKey address, PeerId peer, long nowUtcSeconds) =>
        _owners.TryGetValue(address, out var owner) && owner.Peer != peer && nowUtcSeconds - owner.LastSeenUtcSeconds < MemorySeconds
            ? owner.Peer
            : null;

    /// <summary>Notes that a peer uses an address now. What it had beyond its share is forgotten, the longest unseen first.</summary>
    public void Record(IpKey address, PeerId peer, long nowUtcSeconds)
    {
        _owners[address] = new AddressOwner(address, peer, nowUtcSeconds);
        var share = _owners.Values.Where(owner => owner.Peer == peer).OrderByDescending(owner => owner.LastSeenUtcSeconds);
        foreach (var surplus in share.Skip(Limits.AddressesPerPeerAndNetwork).ToList())
        {
            _owners.Remove(surplus.Address);
        }

        Version++;
    }

    /// <summary>A peer is no longer configured: what it had is free.</summary>
    public void Forget(PeerId peer)
    {
        foreach (var owner in _owners.Values.Where(owner => owner.Peer == peer).ToList())
        {
            _owners.Remove(owner.Address);
            Version++;
        }
    }

    /// <summary>Takes over what a former life wrote down, as far as its owner is still configured.</summary>
    public void Load(IEnumerable<AddressOwner> owners, Func<PeerId, bool> isKnown)
    {
        foreach (var owner in owners.Where(owner => isKnown(owner.Peer)))
        {
            _owners[owner.Address] = owner;
        }
    }
}
