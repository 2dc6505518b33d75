using VibePN.Linux;

namespace VibePN.Peers;

/// <summary>
/// The bytes of all <see cref="PacketRing{T}"/>s of a node: a block for each that holds something, of which it may use only what it has
/// reserved from a common allowance. Thread: the node's.
/// </summary>
/// <param name="blockBytes">Of each; pages that are not touched cost nothing.</param>
/// <param name="totalBytes">Of what all may reserve together.</param>
internal sealed class RepairMemory(int blockBytes, long totalBytes) : IDisposable
{
    private readonly Stack<PageBlock> _free = [];

    public int BlockBytes => blockBytes;

    /// <summary>Reserved at the moment.</summary>
    public long ReservedBytes { get; private set; }

    public PageBlock Rent() => _free.TryPop(out var block) ? block : new PageBlock(blockBytes);

    /// <summary>Takes a block back, and what was reserved for it.</summary>
    public void Return(PageBlock block, int reservedBytes)
    {
        ReservedBytes -= reservedBytes;
        _free.Push(block);
    }

    /// <returns>False: the allowance is used up.</returns>
    public bool TryReserve(int bytes)
    {
        if (ReservedBytes + bytes > totalBytes)
        {
            return false;
        }

        ReservedBytes += bytes;
        return true;
    }

    /// <summary>Gives back to the kernel what is not in use.</summary>
    public void Release()
    {
        foreach (var block in _free)
        {
            block.Release();
        }
    }

    public void Dispose()
    {
        while (_free.TryPop(out var block))
        {
            block.Dispose();
        }
    }
}
