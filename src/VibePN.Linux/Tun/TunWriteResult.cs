namespace VibePN.Linux;

public enum TunWriteResult
{
    Ok,

    /// <summary>The kernel's queue is full: the packet is lost unless written again.</summary>
    WouldBlock,

    /// <summary>Longer than the kernel takes.</summary>
    TooBig,

    /// <summary>The interface is down or gone.</summary>
    Down,

    /// <summary>The kernel refuses the packet or its header.</summary>
    Invalid,

    /// <summary>Any other error (out of memory, …).</summary>
    Failed,
}
