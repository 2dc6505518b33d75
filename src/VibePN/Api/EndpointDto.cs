using VibePN.Quic;

namespace VibePN.Api;

/// <summary>What came to the UDP port since start, strangers' packets too: shows a flood, and what it cost.</summary>
public sealed record EndpointDto
{
    public long Dialed { get; init; }

    /// <summary>Connections that began from outside.</summary>
    public long Accepted { get; init; }

    /// <summary>Dialers that were asked to prove their address first.</summary>
    public long RetriesSent { get; init; }

    public long VersionNegotiationsSent { get; init; }

    public long StatelessResetsSent { get; init; }

    /// <summary>Datagrams dropped, by reason; reasons that never occurred may be left out.</summary>
    public IReadOnlyDictionary<string, long> Drops { get; init; } = new Dictionary<string, long>();

    internal static EndpointDto Of(QuicEndpointStats stats) => new()
    {
        Dialed = (long)stats.Dialed,
        Accepted = (long)stats.Accepted,
        RetriesSent = (long)stats.RetriesSent,
        VersionNegotiationsSent = (long)stats.VersionNegotiationsSent,
        StatelessResetsSent = (long)stats.StatelessResetsSent,
        Drops = AllDrops(stats).Where(drop => drop.Count > 0).ToDictionary(drop => drop.Reason, drop => drop.Count),
    };

    /// <summary>Datagrams dropped, by reason, also those that never occurred.</summary>
    internal static IReadOnlyList<(string Reason, long Count)> AllDrops(QuicEndpointStats stats) =>
    [
        ("malformed", (long)stats.DroppedMalformed),
        ("unknownConnection", (long)stats.DroppedUnknownConnection),
        ("initialRate", (long)stats.DroppedInitialRate),
        ("handshakeLimit", (long)stats.DroppedHandshakeLimit),
        ("notAccepting", (long)stats.DroppedNotAccepting),
        ("badToken", (long)stats.DroppedBadToken),
        ("statelessLimit", (long)stats.DroppedStatelessLimit),
    ];
}
