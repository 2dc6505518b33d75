namespace VibePN.Bench.Relay;

/// <summary>What becomes of a datagram that enters a line.</summary>
internal enum LineFate
{
    Travels,

    /// <summary>By <see cref="LineSettings.Loss"/>.</summary>
    Lost,

    /// <summary>The queue in front of the rate is full, or more is on the way than memory may hold.</summary>
    Overflow,
}
