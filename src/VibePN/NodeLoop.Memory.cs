// When memory goes back to the kernel: after a load, and when connections are no longer young.
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class NodeLoop
{
    /// <summary>A turn with more frames or messages than this is a load; a few touch a few pages only.</summary>
    private const int LoadFrames = 4;

    /// <summary>Without a load for this long, the buffers' memory is given back.</summary>
    private const ulong ReleaseAfterNanos = 2_000_000_000;

    /// <summary>
    /// After this time a connection has done what it does once: handshake, routes, introductions, the path's size. That touches much that packets do
    /// not, and is spread too thin to be a load.
    /// </summary>
    private const ulong SettleNanos = 10_000_000_000;

    /// <summary>When the buffers' memory goes back to the kernel, unless a load comes before. Starting is a load, too.</summary>
    private ulong _releaseNanos = Now().Nanos + ReleaseAfterNanos;

    /// <summary>Likewise, when the youngest connection is no longer young.</summary>
    private ulong _settledNanos = ulong.MaxValue;

    /// <param name="small">Those of <see cref="BatchPause.SmallBytes"/> at most.</param>
    private void Loaded(int frames, int small, Instant now)
    {
        _pause.Count(small);
        if (frames > LoadFrames)
        {
            _releaseNanos = now.Nanos + ReleaseAfterNanos;
        }
    }

    private void ReleaseBuffers(Node node, Instant now)
    {
        _releaseNanos = ulong.MaxValue;
        _settledNanos = _settledNanos <= now.Nanos ? ulong.MaxValue : _settledNanos;
        node.ReleaseMemory();
        _udpIn.Release();
        _tunIn.Release();
        foreach (var to in _interfaces)
        {
            to?.Coalescer.Release();
        }

        // Nothing waits now: the moment at which giving back what the load left costs nobody anything.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        FilePages.Release();
    }
}
