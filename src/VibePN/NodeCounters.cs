namespace VibePN;

/// <summary>What one network or peer carried. Written by the node's thread alone.</summary>
internal sealed class NodeCounters
{
    private readonly ulong[] _drops = new ulong[Enum.GetValues<DropReason>().Length];

    public ulong PacketsOut { get; private set; }

    public ulong BytesOut { get; private set; }

    public ulong PacketsIn { get; private set; }

    public ulong BytesIn { get; private set; }

    /// <summary>Drops, indexed by <see cref="DropReason"/>.</summary>
    public ReadOnlySpan<ulong> Drops => _drops;

    public void Drop(DropReason reason) => _drops[(int)reason]++;

    /// <summary>Takes over the drops of somebody who is gone: totals never go down.</summary>
    public void AddDrops(NodeCounters gone)
    {
        for (var i = 0; i < _drops.Length; i++)
        {
            _drops[i] += gone._drops[i];
        }
    }

    public void Out(int bytes)
    {
        PacketsOut++;
        BytesOut += (ulong)bytes;
    }

    public void In(int bytes)
    {
        PacketsIn++;
        BytesIn += (ulong)bytes;
    }

    /// <summary>The drops that happened, by reason.</summary>
    public IReadOnlyDictionary<DropReason, ulong> DropsByReason()
    {
        var drops = new Dictionary<DropReason, ulong>();
        for (var i = 0; i < _drops.Length; i++)
        {
            if (_drops[i] > 0)
            {
                drops[(DropReason)i] = _drops[i];
            }
        }

        return drops;
    }
}
