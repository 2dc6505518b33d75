namespace VibePN.Quic;

/// <summary>A connection's measurements at one moment; the last ones once it is over.</summary>
/// <param name="DatagramsLost">Taken for lost; one that reordering only delayed is acknowledged later and then counts as both.</param>
/// <param name="PathMtuBytes">The largest UDP payload sent on the path now.</param>
/// <param name="BlackHoles">Times the path was found to lose what it had carried.</param>
public readonly record struct QuicStats(
    TimeSpan SmoothedRtt,
    TimeSpan LatestRtt,
    TimeSpan MinRtt,
    ulong CongestionWindowBytes,
    ulong BytesInFlight,
    ulong BytesSent,
    ulong BytesReceived,
    ulong PacketsSent,
    ulong PacketsReceived,
    ulong DatagramsAcked,
    ulong DatagramsLost,
    int PathMtuBytes,
    PathMtuState PathMtuState,
    int BlackHoles);
