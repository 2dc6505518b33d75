namespace VibePN.Linux;

/// <summary>
/// Packets for one TUN: neighbours of a flow become one super-packet, everything else passes through. The order within a flow is kept.
/// Buffers are allocated once. One thread.
/// </summary>
public sealed class Coalescer : IDisposable
{
    private readonly List<byte[]> _f = [];
    /// <param name="frames">Frames kept until the next flush.</param>
    /// <param name="tcp">Coalesce TCP; the TUN must have offloads.</param>
    /// <param name="udp">Coalesce UDP; the TUN must have the UDP offload.</param>
    public Coalescer(int frames, bool tcp, bool udp)
    {
    }

    /// <summary>Frames that wait.</summary>
    public int Count => _f.Count;

    /// <summary>One frame, in output order. Borrowed until the next call of anything else.</summary>
    public TunFrame this[int index] => throw new NotImplementedException();

    /// <summary>Copies one packet.</summary>
    /// <param name="checksumPartial">The transport checksum was left out by the sender.</param>
    public CoalesceResult Add(ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        _f.Add(packet.ToArray());
        return CoalesceResult.Ok;
    }

    /// <summary>Gives all frames to the host and forgets them. Frames that the kernel refuses are counted by the device.</summary>
    public void Flush(TunDevice tun)
    {
        foreach (var f in _f)
        {
            tun.Write(default, f);
        }

        _f.Clear();
    }

    /// <summary>Forgets all frames.</summary>
    public void Clear() => _f.Clear();

    public void Dispose()
    {
    }
}
