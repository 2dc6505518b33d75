namespace VibePN;

/// <summary>Why a packet went no further: one counter each, the label of a metric, never a log line.</summary>
public enum DropReason
{
    /// <summary>Out: the host wrote something that is no whole IP packet.</summary>
    OutMalformed,

    /// <summary>Out: multicast and broadcast are not carried.</summary>
    OutMulticast,

    /// <summary>Out: no peer owns the destination.</summary>
    OutNoRoute,

    /// <summary>Out: the owner's connection is not up, or it has not joined the network.</summary>
    OutPeerDown,

    /// <summary>Out: larger than the path carries; the sender was told where the protocol allows it.</summary>
    OutTooBig,

    /// <summary>Out: the queue in front of the congestion window is full.</summary>
    OutQueueFull,

    /// <summary>Out: it waited too long in that queue, and its sender understands no marks (CoDel).</summary>
    OutCodel,

    /// <summary>In: before the peer's Hello.</summary>
    InNotUp,

    /// <summary>In: no network has this tag on this connection.</summary>
    InUnknownTag,

    /// <summary>In: flags this node did not offer to read.</summary>
    InUnknownFlags,

    /// <summary>In: no whole IP packet.</summary>
    InMalformed,

    /// <summary>In: the sender does not own the source address.</summary>
    InSourceNotOwned,

    /// <summary>In: a fragment whose lengths contradict each other or a limit.</summary>
    InFragmentMalformed,

    /// <summary>In: packets of which pieces never came.</summary>
    InFragmentIncomplete,

    /// <summary>In: a partial checksum on what has none: neither TCP nor UDP, a fragment, or cut off.</summary>
    InChecksumFlag,

    /// <summary>In: it was sent again, and had arrived already.</summary>
    InDuplicate,

    /// <summary>In: the kernel did not take it (interface down, queue full).</summary>
    InInterface,
}
