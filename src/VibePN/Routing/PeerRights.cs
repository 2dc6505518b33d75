namespace VibePN.Routing;

/// <summary>What one peer may own in one network (docs/protocol.md, Ownership).</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Addresses">The only host addresses it may have; empty: any, up to <see cref="Limits.AddressesPerPeerAndNetwork"/>.</param>
/// <param name="AllowRoutes">Prefixes inside which it may announce beyond host addresses of the network.</param>
public sealed record PeerRights(PeerId Peer, IReadOnlyList<IpKey> Addresses, IReadOnlyList<Prefix> AllowRoutes);
