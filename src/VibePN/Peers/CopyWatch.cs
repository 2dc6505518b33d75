using System.Net;

namespace VibePN.Peers;

/// <summary>
/// Finds out that two hosts run with one key, as when a disk was copied: a process that another one has taken the place of is heard again, and
/// again. After a restart the process of before never is; once only it is when a machine goes back to a snapshot of its memory.
/// </summary>
internal struct CopyWatch
{
    /// <summary>So long after the last sign it is still told; two signs further apart than that are none.</summary>
    public const ulong MemoryNanos = 300_000_000_000;

    private Guid _present;
    private Guid _former;
    private IPEndPoint? _presentAt;
    private ulong _returnedNanos;
    private ulong _foundNanos;
    private string? _at;

    /// <summary>A process has said hello.</summary>
    /// <returns>There are two, which was not known.</returns>
    public bool Meet(Guid process, IPEndPoint? at, ulong nowNanos)
    {
        var isNew = false;
        if (process != _present)
        {
            if (process == _former)
            {
                if (_returnedNanos != 0 && nowNanos - _returnedNanos < MemoryNanos)
                {
                    isNew = At(nowNanos) is null;
                    _foundNanos = nowNanos;
                    var (one, other) = ($"{at}", $"{_presentAt}");
                    _at = string.CompareOrdinal(one, other) <= 0 ? $"{one} and {other}" : $"{other} and {one}";
                }

                _returnedNanos = Math.Max(nowNanos, 1);
            }

            _former = _present;
            _present = process;
        }

        _presentAt = at;
        return isNew;
    }

    /// <summary>Where the two are; null: there is one.</summary>
    public readonly string? At(ulong nowNanos) => _foundNanos != 0 && nowNanos - _foundNanos < MemoryNanos ? _at : null;
}
