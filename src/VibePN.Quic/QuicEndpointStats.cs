namespace VibePN.Quic;

/// <summary>Counters since the endpoint was made.</summary>
public readonly record struct QuicEndpointStats(
    ulong Dialed,
    ulong Accepted,
    ulong HandshakesCompleted,
    ulong CertificatesRefused,
    ulong Closed,
    ulong RetriesSent,
    ulong VersionNegotiationsSent,
    ulong StatelessResetsSent,
    ulong DroppedMalformed,
    ulong DroppedUnknownConnection,
    ulong DroppedInitialRate,
    ulong DroppedHandshakeLimit,
    ulong DroppedNotAccepting,
    ulong DroppedBadToken,
    ulong DroppedStatelessLimit);
