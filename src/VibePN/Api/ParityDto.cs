namespace VibePN.Api;

/// <summary>Parity with a peer. Counters cover the present connection.</summary>
public sealed record ParityDto
{
    /// <summary>Out: for so many packets one of parity is sent. Null: none is.</summary>
    public int? Group { get; init; }

    /// <summary>The loss on the way to the peer, with what was made good from parity: 0 to 1.</summary>
    public required double Loss { get; init; }

    /// <summary>Out: packets covered by parity.</summary>
    public required long CoveredOut { get; init; }

    /// <summary>Out: packets of parity.</summary>
    public required long ParityOut { get; init; }

    /// <summary>In: packets covered by parity.</summary>
    public required long CoveredIn { get; init; }

    /// <summary>In: packets of parity.</summary>
    public required long ParityIn { get; init; }

    /// <summary>In: lost packets that were made from parity.</summary>
    public required long Rebuilt { get; init; }

    /// <summary>In: times that more was lost than parity can make good.</summary>
    public required long Unsolved { get; init; }

    /// <summary>In: packets of parity that do not fit the packets they name: damaged or forged.</summary>
    public required long Unfit { get; init; }
}
