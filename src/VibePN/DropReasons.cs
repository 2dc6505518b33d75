namespace VibePN;

/// <summary>The reasons in words.</summary>
public static class DropReasons
{
    /// <summary>As in <c>status --json</c> and in the metrics.</summary>
    public static string NameOf(DropReason reason) => reason.ToString() is var name ? char.ToLowerInvariant(name[0]) + name[1..] : "";

    /// <summary>What a person makes of it, in a few words.</summary>
    public static string WordsOf(DropReason reason) => reason switch
    {
        DropReason.OutMalformed => "the host wrote no whole IP packet",
        DropReason.OutMulticast => "multicast and broadcast are not carried",
        DropReason.OutNoRoute => "no peer owns the destination",
        DropReason.OutPeerDown => "the peer is not connected or not in this network",
        DropReason.OutTooBig => "larger than the path carries; the sender was told",
        DropReason.OutQueueFull => "the peer's queue is full",
        DropReason.OutCodel => "it waited too long in the peer's queue",
        DropReason.InNotUp => "before the peer's Hello",
        DropReason.InUnknownTag => "no network has this tag",
        DropReason.InUnknownFlags => "flags that were not offered",
        DropReason.InMalformed => "no whole IP packet",
        DropReason.InSourceNotOwned => "the peer does not own the source address",
        DropReason.InFragmentMalformed => "the lengths of a piece contradict each other",
        DropReason.InFragmentIncomplete => "pieces of it never came",
        DropReason.InChecksumFlag => "its checksum cannot be completed",
        DropReason.InDuplicate => "it was sent again, and had arrived already",
        DropReason.InInterface => "the interface did not take it",
        _ => "for a reason without words",
    };
}
