namespace VibePN.Linux;

/// <summary>One datagram of a batch.</summary>
/// <param name="Target">Neighbours with equal numbers have the same addresses and ECN.</param>
internal readonly record struct GsoDatagram(int Offset, int Bytes, int Target);

/// <summary>One kernel message: <paramref name="Count"/> datagrams from <paramref name="First"/> on.</summary>
/// <param name="SegmentBytes">Length of every datagram but the last, which may be shorter.</param>
internal readonly record struct GsoRun(int First, int Count, int SegmentBytes, int TotalBytes);

/// <summary>Groups neighbouring datagrams into runs for UDP_SEGMENT. Pure.</summary>
internal static class GsoPlanner
{
    /// <summary>UDP_MAX_SEGMENTS of linux/udp.h before Linux 6.9.</summary>
    public const int MaxSegments = 64;

    /// <summary>The longest UDP payload over IPv4.</summary>
    public const int MaxRunBytes = 65_507;

    /// <summary>The run that starts at a datagram.</summary>
    /// <param name="singleUntil">Datagrams before this index travel alone; past the end: all of them.</param>
    public static GsoRun Next(ReadOnlySpan<GsoDatagram> datagrams, int first, int singleUntil)
    {
        var start = datagrams[first];
        var count = 1;
        var total = start.Bytes;
        if (first < singleUntil || start.Bytes == 0)
        {
            return new GsoRun(first, 1, start.Bytes, total);
        }

        for (var i = first + 1; i < datagrams.Length && count < MaxSegments; i++)
        {
            ref readonly var next = ref datagrams[i];
            var isContiguous = next.Offset == start.Offset + total;
            var fits = next.Bytes > 0 && next.Bytes <= start.Bytes && total + next.Bytes <= MaxRunBytes;
            if (!isContiguous || !fits || next.Target != start.Target)
            {
                break;
            }

            total += next.Bytes;
            count++;
            if (next.Bytes < start.Bytes)
            {
                break;
            }
        }

        return new GsoRun(first, count, start.Bytes, total);
    }
}
