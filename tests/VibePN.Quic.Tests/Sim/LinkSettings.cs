namespace VibePN.Quic.Tests.Sim;

/// <summary>One direction of a line. Times in nanoseconds, probabilities from 0 to 1.</summary>
internal sealed record LinkSettings
{
    public ulong DelayNanos { get; init; } = 10_000_000;

    /// <summary>Up to this much more per packet, which reorders.</summary>
    public ulong JitterNanos { get; init; }

    public double Loss { get; init; }

    public double Duplication { get; init; }

    /// <summary>One byte of the packet changes on the way.</summary>
    public double Corruption { get; init; }

    /// <summary>UDP payloads above are dropped without a word, as routers do with "don't fragment" and filtered ICMP.</summary>
    public int MaxUdpPayloadBytes { get; init; } = 1_472;
}
