using VibePN.Linux;

namespace VibePN.Peers;

/// <summary>
/// The bytes of all queues of a node: a block for each peer for whom frames wait at the moment, kept for the next while a load lasts and
/// given back to the kernel after it (<see cref="Release"/>). Thread: the node's.
/// </summary>
/// <param name="blockBytes">Of each.</param>
internal sealed class QueueMemory(int blockBytes) : IDisposable
{
    private readonly Stack<PageBlock> _free = [];

    public int BlockBytes => blockBytes;

    public PageBlock Rent() => _free.TryPop(out var block) ? block : new PageBlock(blockBytes);

    public void Return(PageBlock block) => _free.Push(block);

    /// <summary>Gives back what is not in use.</summary>
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
