namespace VibePN.Api;

/// <summary>A line of <c>capture --json</c>.</summary>
public sealed record CapturedPacketDto
{
    public required DateTimeOffset TimeUtc { get; init; }

    /// <summary>The network's TUN.</summary>
    public required string Interface { get; init; }

    /// <summary>From this host to a peer; otherwise from a peer.</summary>
    public required bool Out { get; init; }

    /// <summary>Addresses, protocol, ports.</summary>
    public required string Packet { get; init; }

    /// <summary>Of the whole packet.</summary>
    public required int Bytes { get; init; }

    /// <summary>Peer, network, and why it was dropped.</summary>
    public required string Comment { get; init; }

    /// <summary>Packets before this one that came too fast to be captured.</summary>
    public required long NotCapturedBefore { get; init; }
}
