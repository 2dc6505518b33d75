namespace VibePN.Api;

/// <summary>What <c>vibepn ping PEER</c> measured, through the tunnel and beside it. Absent: not answered, or not known.</summary>
public sealed record PingDto
{
    public required string Peer { get; init; }

    /// <summary>Its address inside, which was asked.</summary>
    public string? Address { get; init; }

    /// <summary>Where the connection is.</summary>
    public string? Outside { get; init; }

    public int Sent { get; init; }

    public int Received { get; init; }

    /// <summary>Through the tunnel, of those answered.</summary>
    public double? MinMillis { get; init; }

    public double? MedianMillis { get; init; }

    public double? P95Millis { get; init; }

    public double? MaxMillis { get; init; }

    /// <summary>Of the connection, as QUIC measures it: median of its smoothed round trip meanwhile.</summary>
    public double? PathMillis { get; init; }

    /// <summary>ICMP echo to the same host beside the tunnel: median.</summary>
    public double? OutsideMillis { get; init; }

    /// <summary>The longest wait in this node's queue towards the peer.</summary>
    public double? QueueMillis { get; init; }

    /// <summary>The largest IP packet that interface and path take whole, as the daemon knows it.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>Whether one of that size came through and back without being cut.</summary>
    public bool? MtuPasses { get; init; }

    /// <summary>Where the delay is made, or what is wrong, in one sentence.</summary>
    public required string Answer { get; init; }
}
