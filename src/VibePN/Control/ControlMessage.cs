using System.Net;
using VibePN.Routing;

namespace VibePN.Control;

/// <summary>A message of the control stream; immutable (docs/protocol.md, Messages).</summary>
internal abstract record ControlMessage;

/// <summary>The first message of either side.</summary>
/// <param name="BootId">16 random bytes of this start of the process.</param>
/// <param name="NodeName">For people; at most <see cref="Limits.NodeNameBytes"/> bytes.</param>
/// <param name="Features">Additions the sender understands; unknown ones are ignored.</param>
/// <param name="Observed">The address at which the sender sees the receiver, or null.</param>
/// <param name="MaxReassembledBytes">The largest packet that the sender puts together from fragments; 0: none.</param>
/// <param name="Replaces">This connection is to take the place of the others between the two nodes (make-before-break).</param>
internal sealed record Hello(
    Guid BootId,
    string NodeName,
    IReadOnlyList<ulong> Features,
    IPEndPoint? Observed,
    int MaxReassembledBytes,
    bool Replaces) : ControlMessage
{
    /// <summary>The sender puts numbered packets in order (docs/protocol.md, Order).</summary>
    public const ulong RepairFeature = 1;

    /// <summary>The sender understands covered packets and parity, and reports what they were good for (docs/protocol.md, Parity).</summary>
    public const ulong ParityFeature = 2;
}

/// <summary>The sender's networks as far as they concern the receiver; replaces what it said before.</summary>
internal sealed record NetworkList(IReadOnlyList<NetworkOffer> Networks) : ControlMessage;

/// <param name="Tag">What the receiver of this list puts before packets of this network; never 0, never used twice in a connection.</param>
internal sealed record NetworkOffer(string Name, IReadOnlyList<Prefix> Prefixes, IReadOnlyList<IpKey> Addresses, ulong Tag);

/// <summary>Routes of the sender in one network, beyond its own addresses; adds to or renews what it announced before.</summary>
internal sealed record Announce(string Network, IReadOnlyList<RouteOffer> Routes) : ControlMessage;

/// <param name="LifetimeSeconds">Forgotten when not renewed within this time; 0: as long as the connection.</param>
internal sealed record RouteOffer(Prefix Prefix, uint Metric, uint LifetimeSeconds);

/// <summary>Takes back routes that the sender announced.</summary>
internal sealed record Withdraw(string Network, IReadOnlyList<Prefix> Prefixes) : ControlMessage;

/// <summary>Asks for a <see cref="KeepaliveReply"/> with the same <paramref name="Id"/>.</summary>
internal sealed record Keepalive(ulong Id, IPEndPoint? Observed) : ControlMessage;

internal sealed record KeepaliveReply(ulong Id, IPEndPoint? Observed) : ControlMessage;

/// <summary>The receiver claims an address that is not its to have: an automatic one makes way, a configured one is a mistake to tell.</summary>
internal sealed record AddressInUse(string Network, IpKey Address) : ControlMessage;

/// <summary>What became of the receiver's covered packets; both counts run from the connection's beginning.</summary>
/// <param name="Covered">Those that came.</param>
/// <param name="Rebuilt">Those that did not, and were made from parity.</param>
/// <param name="Unsolved">Groups that had lost more than parity can make good.</param>
internal sealed record ParityReport(ulong Covered, ulong Rebuilt, ulong Unsolved) : ControlMessage;

/// <summary>Something the other side should tell its user; the connection stays.</summary>
internal sealed record PeerError(CloseReason Reason, string Text) : ControlMessage;

/// <summary>
/// Who else is in the networks of both, as far as the sender vouches for it, and whether the sender itself wants to be told (docs/protocol.md,
/// Introductions). Adds to and replaces what was said before on the connection.
/// </summary>
/// <param name="Present">Members; each replaces what was said of it before.</param>
/// <param name="Gone">Those that the sender does not vouch for any more.</param>
/// <param name="IsComplete">With this all have been said; whom the receiver remembers beside them is gone.</param>
/// <param name="Asks">The sender takes introductions of the receiver from now on, or not any more; null: as before.</param>
internal sealed record Members(IReadOnlyList<MemberOffer> Present, IReadOnlyList<PeerId> Gone, bool IsComplete, bool? Asks = null) : ControlMessage;

/// <param name="Id">By which it is known: any fingerprint of its lineage.</param>
/// <param name="Name">What the sender calls it; for people, and not made for file names or terminals yet.</param>
/// <param name="Networks">Of those that both are in with it.</param>
/// <param name="EndPoints">Where it may be reached, the best first.</param>
internal sealed record MemberOffer(PeerId Id, string Name, IReadOnlyList<string> Networks, IReadOnlyList<IPEndPoint> EndPoints);
