namespace VibePN.Quic;

/// <summary>A connection's measurements at one moment.</summary>
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
    int PathMtuBytes);
