namespace VibePN.Quic;

/// <summary>Parity of a connection (docs/protocol.md, Parity). Counters since its beginning.</summary>
/// <param name="Group">Out: packets for one of parity; 0: none is sent.</param>
/// <param name="Covered">Out: packets covered.</param>
/// <param name="Written">Out: packets of parity.</param>
/// <param name="CoveredIn">In: covered packets.</param>
/// <param name="ParityIn">In: packets of parity.</param>
/// <param name="Rebuilt">In: packets that did not come and were made from parity.</param>
/// <param name="Unsolved">In: groups that had lost more than parity can make good.</param>
/// <param name="Unfit">In: packets of parity that do not fit the packets they name: damaged or forged.</param>
public readonly record struct ParityStats(
    int Group,
    ulong Covered,
    ulong Written,
    ulong CoveredIn,
    ulong ParityIn,
    ulong Rebuilt,
    ulong Unsolved,
    ulong Unfit);
